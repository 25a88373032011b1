import { armPost, disarmPost, runAction, setRollbackOutputs } from "@belay/action";
import { loadRollbackInputs, rollback } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadRollbackInputs(context.inputs);
  const done = await rollback(context, inputs, { onTrusted: () => armPost(context) });
  if (!done.leftOpen) disarmPost();
  setRollbackOutputs(context, done);
  return done.report;
});
