import { runPost } from "@belay/action";
import { loadDeployInputs, reconcile } from "@belay/pipeline";

/** Puts the target right when the main step was killed before it could: the ledger tells whether anything is open. */
await runPost(async (context, endedRun) => {
  const result = await reconcile(context, loadDeployInputs(context.inputs), endedRun);
  context.log.info(`Ledger: ${result.kind}${result.outcome === undefined ? "" : ` (${result.outcome})`}`);
});
