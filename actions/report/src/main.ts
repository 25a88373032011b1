import { runAction, setReportOutputs } from "@belay/action";
import { loadReportInputs, report } from "@belay/pipeline";

await runAction(async (context) => {
  const told = await report(context, loadReportInputs(context.inputs));
  setReportOutputs(context, told);
  return told.kind === "nothing" ? undefined : told.report;
});
