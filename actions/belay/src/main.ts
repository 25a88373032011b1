import {
  armPost,
  disarmPost,
  runAction,
  setBuildOutputs,
  setDeployOutputs,
  setPushOutputs,
  setScanOutputs,
} from "@belay/action";
import { loadPipelineInputs, loadSignInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadPipelineInputs(context.inputs);
  const signing = loadSignInputs(context.inputs);
  const { build, deploy, push, report, scan, sign } = await import("./use-cases.ts");
  try {
    setBuildOutputs(context, await build(context, inputs));
    await scan(context, inputs, { onScanned: (scanned) => setScanOutputs(context, scanned), annotate: true });
    setPushOutputs(context, await push(context, inputs));
    if (signing.wanted) await sign(context, signing);
    const deployed = await deploy(context, inputs, { onTrusted: () => armPost(context) });
    if (!deployed.leftOpen) disarmPost();
    setDeployOutputs(context, deployed);
    return deployed.report;
  } catch (error) {
    await report(context, inputs);
    throw error;
  }
});
