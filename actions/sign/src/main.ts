import { runAction } from "@belay/action";
import { loadSignInputs, sign } from "@belay/pipeline";

await runAction(async (context) => {
  const signed = await sign(context, loadSignInputs(context.inputs));
  context.output("release", signed.releasePath);
  context.output("images", JSON.stringify(signed.images));
  context.output("by", signed.by);
  return undefined;
});
