import type { DeploymentReport, FailureReport } from "@belay/core";

export type AnyReport = DeploymentReport | FailureReport;

/** True for a report of a run that came to a deployment; false for one that ended before. */
export function isDeploymentReport(report: AnyReport): report is DeploymentReport {
  return "outcome" in report;
}
