import { runAction, setReportOutputs } from "@belay/action";
import { loadReportInputs } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadReportInputs(context.inputs);
  const { report } = await import("@belay/pipeline/report");
  const told = await report(context, inputs);
  setReportOutputs(context, told);
  return told.kind === "nothing" ? undefined : told.report;
});
