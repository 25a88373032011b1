import { type CauseDetail, type DeploymentReport, describeCause, OUTCOMES, truncate } from "@belay/core";
import type { EnvironmentRow } from "../github.ts";
import { optional } from "../json-path.ts";
import { commitLink } from "./describe-source.ts";
import { markOf } from "./headline.ts";
import { code, link, prose, table } from "./markdown.ts";
import type { RenderContext } from "./render-context.ts";
import { renderTime } from "./render-trace.ts";
import { type AnyReport, isDeploymentReport } from "./report-kind.ts";

/** One row per environment: this run's from its report, the others' from GitHub deployments. */
export function renderEnvironments(report: AnyReport, context: RenderContext, most: number): string {
  const others = (context.environments ?? []).filter((row) => row.environment !== report.environment);
  const own = isDeploymentReport(report) ? [ownRow(report, context)] : [];
  const replaced = isDeploymentReport(report) ? others : (context.environments ?? []);
  const rows = [...own, ...replaced].sort((a, b) => (a.environment < b.environment ? -1 : 1)).slice(0, most);
  if (rows.length === 0) return "";
  const repository = isDeploymentReport(report) ? report.release.source.repository : report.source?.repository;
  const cells = rows.map((row) => environmentCells(row, repository));
  return table(["Environment", "State", "Commit", "Deployment", "Since", ""], cells);
}

function environmentCells(row: EnvironmentRow, repository: string | undefined): string[] {
  return [
    link(code(row.environment), row.url),
    `${markOf(row.state, row.outcome)} ${prose(truncate(row.description, 80))}`,
    commitLink(repository, row.commit),
    row.deployment === undefined ? "" : `${row.deployment}`,
    renderTime(row.since),
    row.runUrl === undefined ? "" : link("run", row.runUrl),
  ];
}

/** The engine's own words stand above the table already. */
function withoutDetail({ detail: _detail, ...cause }: CauseDetail): CauseDetail {
  return cause;
}

function ownRow(report: DeploymentReport, context: RenderContext): EnvironmentRow {
  const ended = new Date(Date.parse(report.startedAt) + report.durationMs);
  const cause = report.cause === undefined ? "" : `: ${describeCause(withoutDetail(report.cause))}`;
  return {
    environment: report.environment,
    state: OUTCOMES[report.outcome].deploymentState,
    outcome: report.outcome,
    description: `${OUTCOMES[report.outcome].headline}${cause}`,
    commit: report.release.source.revision,
    since: Number.isNaN(ended.getTime()) ? report.startedAt : ended.toISOString(),
    ...optional("deployment", report.deployment),
    ...optional("runUrl", context.runUrl),
    ...optional("url", report.url),
  };
}
