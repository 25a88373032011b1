import { runAction, setBuildOutputs } from "@belay/action";
import { loadBuildInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadBuildInputs(context.inputs);
  const { build } = await import("@belay/pipeline/build");
  setBuildOutputs(context, await build(context, inputs));
  return undefined;
});
