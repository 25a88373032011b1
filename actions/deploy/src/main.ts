import { armPost, disarmPost, runAction, setDeployOutputs } from "@belay/action";
import { loadDeployInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadDeployInputs(context.inputs);
  const { deploy } = await import("@belay/pipeline/deploy");
  const deployed = await deploy(context, inputs, { onTrusted: () => armPost(context) });
  if (!deployed.leftOpen) disarmPost();
  setDeployOutputs(context, deployed);
  return deployed.report;
});
