import { armPost, disarmPost, runAction, setRollbackOutputs } from "@belay/action";
import { loadRollbackInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadRollbackInputs(context.inputs);
  const { rollback } = await import("@belay/pipeline/rollback");
  const done = await rollback(context, inputs, { onTrusted: () => armPost(context) });
  if (!done.leftOpen) disarmPost();
  setRollbackOutputs(context, done);
  return done.report;
});
