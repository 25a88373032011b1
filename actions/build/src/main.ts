import { runAction, setBuildOutputs } from "@belay/action";
import { build, loadBuildInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const built = await build(context, loadBuildInputs(context.inputs));
  setBuildOutputs(context, built);
  return undefined;
});
