import { runAction } from "@belay/action";
import { loadPushInputs, sign } from "@belay/pipeline";

await runAction(async (context) => {
  const signed = await sign(context, loadPushInputs(context.inputs));
  context.output("release", signed.releasePath);
  context.output("images", JSON.stringify(signed.images));
  context.output("key-id", signed.keyId);
  return undefined;
});
