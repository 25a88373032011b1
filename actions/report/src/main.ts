import { runAction, setReportOutputs } from "@belay/action";
import { loadDeployInputs, report } from "@belay/pipeline";

await runAction(async (context) => {
  const told = await report(context, loadDeployInputs(context.inputs));
  setReportOutputs(context, told);
  return told.kind === "nothing" ? undefined : told.report;
});
