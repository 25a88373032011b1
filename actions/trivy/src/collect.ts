import { runAction } from "@belay/action";
import { collectReports, type ExpectedReport, trivyActionScope } from "@belay/scan";
import { inputsOfComposite } from "./inputs.ts";

/** Last step: the reports are there, whole, and of the platforms that were asked for. */
await runAction(async ({ inputs, log, output }) => {
  const wanted = [1, 2, 3, 4].flatMap((number): ExpectedReport[] => {
    const path = inputs.text(`report-${number}`);
    const platform = inputs.text(`platform-${number}`);
    return path === undefined ? [] : [{ path, ...(platform === undefined ? {} : { platform }) }];
  });
  const reports = await collectReports(wanted, inputs.required("cache-dir"), trivyActionScope(inputs));
  for (const { image, platform, findings, coverage } of reports) {
    log.info(
      `${image} (${platform ?? "?"}): ${coverage.packages} packages were looked at, ${findings.length} findings.`,
    );
  }
  output("report", wanted.map(({ path }) => path).join("\n"));
  output("platforms", reports.map(({ platform }) => platform ?? "unknown").join(","));
  return undefined;
}, inputsOfComposite(process.env));
