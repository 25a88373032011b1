import { armPost, disarmPost, runAction, setBuildOutputs, setDeployOutputs, setPushOutputs } from "@belay/action";
import { build, deploy, loadPipelineInputs, push, report } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadPipelineInputs(context.inputs);
  try {
    setBuildOutputs(context, await build(context, inputs));
    setPushOutputs(context, await push(context, inputs));
    armPost(context);
    const deployed = await deploy(context, inputs);
    if (!deployed.leftOpen) disarmPost();
    setDeployOutputs(context, deployed);
    return deployed.report;
  } catch (error) {
    await report(context, inputs);
    throw error;
  }
});
