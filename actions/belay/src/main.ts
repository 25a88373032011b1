import {
  armPost,
  disarmPost,
  runAction,
  setBuildOutputs,
  setDeployOutputs,
  setPushOutputs,
  setScanOutputs,
} from "@belay/action";
import { build, deploy, loadPipelineInputs, push, report, scan } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadPipelineInputs(context.inputs);
  try {
    setBuildOutputs(context, await build(context, inputs));
    await scan(context, inputs, { onScanned: (scanned) => setScanOutputs(context, scanned) });
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
