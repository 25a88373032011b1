import { runAction } from "@belay/action";
import { loadSignInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadSignInputs(context.inputs);
  const { sign } = await import("@belay/pipeline/sign");
  const signed = await sign(context, inputs);
  context.output("release", signed.releasePath);
  context.output("images", JSON.stringify(signed.images));
  context.output("by", signed.by);
  return undefined;
});
