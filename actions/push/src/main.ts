import { runAction, setPushOutputs } from "@belay/action";
import { loadPushInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadPushInputs(context.inputs);
  const { push } = await import("@belay/pipeline/push");
  setPushOutputs(context, await push(context, inputs));
  return undefined;
});
