import { describeUndo, type Finding, oneLine, type Plan, type RevisionFacts, type ServiceChange } from "@belay/core";

const MARKS = { create: "+", update: "~", recreate: "!", unchanged: "=", remove: "-" } as const;

/** The plan for a terminal: services with their differences, findings, what the way back does not cover. */
export function printPlan(plan: Plan): string {
  const services = plan.services.flatMap((one) => serviceLines(one, plan.keepsFailed));
  const findings = plan.findings.flatMap(findingLines);
  const others = (plan.others ?? []).map((what) => `  ${oneLine(what, 400)}`);
  const gaps = plan.notCovered.map((what) => `  ${oneLine(what)}`);
  return [
    `${plan.scope.application} on ${plan.scope.environment} (${plan.scope.target}, ${plan.scope.project})`,
    ...(services.length === 0 ? ["  no service"] : services),
    ...(others.length === 0 ? [] : ["", "Besides:", ...others]),
    ...(findings.length === 0 ? [] : ["", "Checked before the first change:", ...findings]),
    ...together(plan),
    ...(gaps.length === 0 ? [] : ["", "Not covered by the way back:", ...gaps]),
  ].join("\n");
}

/** A change with how it would be undone; `null` when there is nothing to undo. */
export type PrintedChange = ServiceChange & { readonly undo: string | null };

/** The plan as `--json` shows it: everything but what only the target understands, and how it would be undone. */
export function planJson(
  plan: Plan,
): Omit<Plan, "detail" | "services"> & { readonly services: readonly PrintedChange[] } {
  const { detail: _, ...shown } = plan;
  return {
    ...shown,
    services: plan.services.map((one) => ({ ...one, undo: describeUndo(one, plan.keepsFailed) ?? null })),
  };
}

function together({ services, others = [], keepsFailed }: Plan): string[] {
  if (keepsFailed) return [];
  const changed = services.filter((one) => one.action !== "unchanged").length + others.length;
  return changed < 2 ? [] : ["", "All of them go back together when one fails."];
}

function serviceLines(change: ServiceChange, kept: boolean | undefined): string[] {
  const head = `  ${MARKS[change.action]} ${change.service}: ${change.action}, ${countOf(change)}`;
  const revisions = [...revisionLine("now ", change.from), ...revisionLine("then", change.to)];
  const shown = change.action === "unchanged" ? revisions.slice(0, 1) : revisions;
  const after = change.dependsOn.length === 0 ? [] : [`      after ${change.dependsOn.join(", ")}`];
  const differences = change.differences.map((difference) => `      ${oneLine(difference)}`);
  const undo = describeUndo(change, kept);
  return [
    head,
    ...shown,
    ...differences,
    ...after,
    ...(undo === undefined ? [] : [`      if it fails: ${oneLine(undo)}`]),
  ];
}

function countOf({ goal, desired, from }: ServiceChange): string {
  if (desired === 0 && from !== undefined) return `${from.instances} running now`;
  return goal === "complete" ? "runs once" : `${desired} running`;
}

function revisionLine(when: string, facts: RevisionFacts | undefined): string[] {
  return facts === undefined ? [] : [`      ${when} ${oneLine(facts.image)} (revision ${oneLine(facts.revision, 24)})`];
}

function findingLines(finding: Finding): string[] {
  const where = finding.service === undefined ? "" : `${finding.service}: `;
  const remedy = finding.remedy === undefined ? [] : [`      ${oneLine(finding.remedy, 400)}`];
  return [`  ${finding.level.padEnd(11)} ${where}${oneLine(finding.message, 400)}`, ...remedy];
}
