import { runPost } from "@belay/action";
import { loadDeployInputs } from "@belay/pipeline";

/** Puts the target right when the main step was killed before it could, and tells what became of it. */
await runPost(async (context, endedRun) => {
  const inputs = loadDeployInputs(context.inputs);
  const { reconcile, requireProven } = await import("@belay/pipeline/reconcile");
  const result = await reconcile(context, inputs, endedRun);
  context.log.info(`Ledger: ${result.kind}${result.outcome === undefined ? "" : ` (${result.outcome})`}`);
  if (result.kind !== "recovered") return;
  const { report } = await import("@belay/pipeline/report");
  await report(context, inputs, "ledger");
  requireProven(result);
});
