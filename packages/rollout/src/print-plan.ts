import { type Finding, oneLine, type Plan, type RevisionFacts, type ServiceChange } from "@belay/core";

const MARKS = { create: "+", update: "~", recreate: "!", unchanged: "=", remove: "-" } as const;

/** The plan for a terminal: services with their differences, findings, what the way back does not cover. */
export function printPlan(plan: Plan): string {
  const services = plan.services.flatMap(serviceLines);
  const findings = plan.findings.flatMap(findingLines);
  const gaps = plan.notCovered.map((what) => `  ${oneLine(what)}`);
  return [
    `${plan.scope.application} on ${plan.scope.environment} (${plan.scope.target}, ${plan.scope.project})`,
    ...(services.length === 0 ? ["  no service"] : services),
    ...(findings.length === 0 ? [] : ["", "Checked before the first change:", ...findings]),
    ...(gaps.length === 0 ? [] : ["", "Not covered by the way back:", ...gaps]),
  ].join("\n");
}

/** The plan as `--json` shows it: everything but what only the target understands. */
export function planJson(plan: Plan): Omit<Plan, "detail"> {
  const { detail: _, ...shown } = plan;
  return shown;
}

function serviceLines(change: ServiceChange): string[] {
  const count = change.goal === "complete" ? "runs once" : `${change.desired} running`;
  const head = `  ${MARKS[change.action]} ${change.service}: ${change.action}, ${count}`;
  const revisions = [...revisionLine("now ", change.from), ...revisionLine("then", change.to)];
  const shown = change.action === "unchanged" ? revisions.slice(0, 1) : revisions;
  const after = change.dependsOn.length === 0 ? [] : [`      after ${change.dependsOn.join(", ")}`];
  const differences = change.differences.map((difference) => `      ${oneLine(difference)}`);
  return [head, ...shown, ...differences, ...after];
}

function revisionLine(when: string, facts: RevisionFacts | undefined): string[] {
  return facts === undefined ? [] : [`      ${when} ${oneLine(facts.image)} (revision ${oneLine(facts.revision, 24)})`];
}

function findingLines(finding: Finding): string[] {
  const where = finding.service === undefined ? "" : `${finding.service}: `;
  const remedy = finding.remedy === undefined ? [] : [`      ${oneLine(finding.remedy, 400)}`];
  return [`  ${finding.level.padEnd(11)} ${where}${oneLine(finding.message, 400)}`, ...remedy];
}
