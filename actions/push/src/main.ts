import { runAction, setPushOutputs } from "@belay/action";
import { loadPushInputs, push } from "@belay/pipeline";

await runAction(async (context) => {
  const pushed = await push(context, loadPushInputs(context.inputs));
  setPushOutputs(context, pushed);
  return undefined;
});
