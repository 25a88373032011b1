import {
  type DeploymentReport,
  type FailureReport,
  formatDuration,
  LEFT_BEHIND,
  redactDeep,
  type ScanSummary,
} from "@belay/core";
import { cutMarkdown } from "./cut-markdown.ts";
import { renderCause, renderHeadline, renderLead, renderRollback } from "./headline.ts";
import { blocks, code, details, fence, link, prose } from "./markdown.ts";
import type { RenderContext } from "./render-context.ts";
import { renderEnvironments } from "./render-environments.ts";
import { renderEvidence } from "./render-evidence.ts";
import {
  renderAdvice,
  renderChanges,
  renderExpected,
  renderFindings,
  renderLeftBehind,
  renderNotCovered,
  renderOthers,
  renderStages,
} from "./render-facts.ts";
import { RENDER_LEVELS, type RenderLevel } from "./render-level.ts";
import { renderScanSummary } from "./render-scan-summary.ts";
import { renderOrigin, renderRunning, renderTime, renderTrace } from "./render-trace.ts";
import { type AnyReport, isDeploymentReport } from "./report-kind.ts";

export interface Shape {
  /** Most UTF-16 units. */
  readonly limit: number;
  /** Whether the long parts are folded. */
  readonly folded: boolean;
}

/** The report as Markdown, at the highest level of detail that fits. */
export function renderReport(report: AnyReport, context: RenderContext, shape: Shape): string {
  const { redactor, ...facts } = context;
  const safeReport = redactDeep(report, redactor);
  const safeContext = { ...redactDeep(facts, redactor), redactor };
  let text = "";
  for (const level of RENDER_LEVELS) {
    text = renderAt(safeReport, safeContext, level, shape.folded);
    if (text.length <= shape.limit) return text;
  }
  return cutMarkdown(text, shape.limit);
}

function renderAt(report: AnyReport, context: RenderContext, level: RenderLevel, folded: boolean): string {
  const section = (title: string, body: string): string =>
    body === "" ? "" : folded ? details(title, body) : `#### ${title}\n\n${body}`;
  const parts = isDeploymentReport(report)
    ? deploymentParts(report, context, level, section)
    : failureParts(report, context, level);
  return blocks(
    renderHeadline(report),
    renderOrigin(report),
    ...parts,
    renderScan(report, level, section),
    section("Stages", renderStages(report.stages)),
    section("Where it came from", renderTrace(report, context)),
    footer(report, context),
  );
}

/** Open where the scan is why nothing was deployed, or where nobody looked; one line else. */
function renderScan({ scan, ...report }: AnyReport, level: RenderLevel, section: Section): string {
  if (scan === undefined) return "";
  const body = renderScanSummary(scan, level, true);
  const quiet =
    isDeploymentReport(report) &&
    scan.result === "passed" &&
    scan.services.every((one) => one.result === "passed" && one.partial !== true);
  return quiet ? section(`Scan: passed${renderChange(scan)}`, body) : `**Scan**\n\n${body}`;
}

/** What the release brings and takes away, over all services. */
function renderChange({ services }: ScanSummary): string {
  const compared = services.flatMap(({ comparison }) => (comparison && "fixed" in comparison ? [comparison] : []));
  if (compared.length === 0) return "";
  const sum = (key: "introduced" | "fixed" | "unchanged"): number => compared.reduce((all, one) => all + one[key], 0);
  return ` (${sum("introduced")} new, ${sum("fixed")} fixed, ${sum("unchanged")} unchanged)`;
}

type Section = (title: string, body: string) => string;

function deploymentParts(
  report: DeploymentReport,
  context: RenderContext,
  level: RenderLevel,
  section: Section,
): string[] {
  const refused = report.outcome === "refused";
  const before = report.findings.filter(({ check }) => check !== LEFT_BEHIND);
  const findings = renderFindings(before, level);
  return [
    renderRollback(report),
    loud(report, renderLead(report)),
    renderCause(report),
    refused ? findings : "",
    renderEvidence(report.evidence, level),
    renderEnvironments(report, context, level.rows),
    `**What runs now**\n\n${renderRunning(report, level.rows)}`,
    ...(report.outcome === "rollback_failed" ? whatToDo(report, level) : []),
    renderLeftBehind(report.findings, level),
    section(
      refused ? "What would have changed" : "What was changed",
      blocks(renderChanges(report.changes, level), renderOthers(report.others, level)),
    ),
    refused ? "" : section(`Preflight findings (${before.length})`, findings),
    section("Not covered by the way back", renderNotCovered(report.notCovered)),
    report.outcome === "rollback_failed" ? "" : section("Look further", renderAdvice(report.advice)),
  ];
}

/** A person has to put it right now: what should run, and how to look. */
function whatToDo(report: DeploymentReport, level: RenderLevel): string[] {
  const expected = renderExpected(report.changes, level);
  return [
    expected === "" ? "" : `**What should run**\n\n${expected}`,
    `**Look here first**\n\n${renderAdvice(report.advice)}`,
  ];
}

/** Only what a person must act on gets a coloured box, so that the box means something. */
function loud(report: DeploymentReport, lead: string): string {
  return report.outcome === "rollback_failed" ? `> [!CAUTION]\n> ${lead}` : lead;
}

function failureParts(report: FailureReport, context: RenderContext, level: RenderLevel): string[] {
  const [first = "", ...rest] = report.message.split("\n");
  const output = rest.filter((line, index) => line.trim() !== "" || index > 0);
  // The table of the scan says it better.
  const shown = level.logLines === 0 || isAboutScan(report) ? [] : output.slice(-2 * level.logLines);
  // An internal error may come after a dead deployment was put right: then something was changed, though nothing deployed.
  const known = report.environment !== undefined && report.reason !== "internal_error";
  const where = known ? ` What runs in ${code(report.environment ?? "")} was not touched.` : "";
  return [
    `Nothing was deployed.${where}`,
    `**Cause:** ${prose(first.slice(0, 1_000))}`,
    shown.length === 0 ? "" : fence(shown.map((line) => line.slice(0, level.lineWidth))),
    renderEnvironments(report, context, level.rows),
  ];
}

function isAboutScan({ reason, scan }: FailureReport): boolean {
  return scan !== undefined && (reason === "vulnerabilities_found" || reason === "scan_could_not_run");
}

function footer(report: AnyReport, context: RenderContext): string {
  const run = context.runUrl === undefined ? "" : `${link("Run", context.runUrl)} · `;
  const site = isDeploymentReport(report) && report.url !== undefined ? `${link("Site", report.url)} · ` : "";
  const started = renderTime(report.startedAt);
  return `<sub>${run}${site}started ${started} · took ${formatDuration(report.durationMs)} · Belay Deploy</sub>`;
}
