import {
  type DeploymentReport,
  type Finding,
  formatDuration,
  LEFT_BEHIND,
  type RevisionFacts,
  type ServiceChange,
  type StageReport,
  shortDigest,
  truncate,
} from "@belay/core";
import { blocks, code, fence, prose, table } from "./markdown.ts";
import { firstRows, type RenderLevel } from "./render-level.ts";

/** Services that changed (or would), with the difference. */
export function renderChanges(changes: readonly ServiceChange[], level: RenderLevel): string {
  if (changes.length === 0) return "";
  const { shown, more } = firstRows(changes, level.rows);
  const rows = shown.map((change) => [
    code(change.service),
    change.action,
    `${revision(change.from, change.to)} → ${revision(change.to, change.from)}`,
    change.differences
      .slice(0, 20)
      .map((line) => prose(truncate(line, level.lineWidth)))
      .join("<br>"),
  ]);
  return blocks(table(["Service", "Action", "From → to", "Differences"], rows), more);
}

/** What else changed (or would): objects that make no instances. */
export function renderOthers(others: readonly string[] = [], level: RenderLevel): string {
  if (others.length === 0) return "";
  const { shown, more } = firstRows(others, level.rows);
  return blocks(`Besides:\n\n${shown.map((line) => `- ${prose(truncate(line, 300))}`).join("\n")}`, more);
}

/** What the way back was to bring back: for whoever has to do it by hand now. */
export function renderExpected(changes: readonly ServiceChange[], level: RenderLevel): string {
  const { shown, more } = firstRows(
    changes.filter((change) => change.action !== "unchanged"),
    level.rows,
  );
  if (shown.length === 0) return "";
  return blocks(
    table(
      ["Service", "Should run"],
      shown.map((change) => [code(change.service), revision(change.from, change.to)]),
    ),
    more,
  );
}

/** Two revisions of one image (only its environment changed, say) are told apart by their names. */
function revision(facts: RevisionFacts | undefined, other: RevisionFacts | undefined): string {
  if (facts === undefined) return "nothing";
  const name = facts.image === other?.image ? ` (${code(facts.revision.slice(0, 12))})` : "";
  const digest = facts.image.split("@sha256:")[1];
  const image = digest === undefined ? facts.image : `sha256:${shortDigest(`sha256:${digest}`)}`;
  return `${facts.instances} × ${code(image)}${name}`;
}

const STAGE_WORDS = { passed: "passed", failed: "**failed**", skipped: "skipped" } as const;

export function renderStages(stages: readonly StageReport[]): string {
  if (stages.length === 0) return "";
  const rows = stages.map((stage) => [
    stage.name,
    STAGE_WORDS[stage.state],
    stage.durationMs === 0 ? "" : formatDuration(stage.durationMs),
    stage.detail === undefined ? "" : prose(truncate(stage.detail, 300)),
  ]);
  return table(["Stage", "Result", "Time", ""], rows);
}

const LEVEL_WORDS = { refuse: "**refuse**", warn: "warn", "cannot tell": "cannot tell" } as const;

/** Findings of the preflight, those that refuse first. */
export function renderFindings(findings: readonly Finding[], level: RenderLevel): string {
  if (findings.length === 0) return "";
  const order = Object.keys(LEVEL_WORDS);
  const sorted = [...findings].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const { shown, more } = firstRows(sorted, level.rows);
  const rows = shown.map((finding) => [
    LEVEL_WORDS[finding.level],
    code(finding.check),
    finding.service === undefined ? "" : code(finding.service),
    [finding.message, finding.remedy ?? ""]
      .filter((text) => text !== "")
      .map((text) => prose(truncate(text, 500)))
      .join("<br>"),
  ]);
  return blocks(table(["Level", "Check", "Service", "Finding"], rows), more);
}

/** What stays on the target because its engine refused to remove it; how it is removed is among the commands to paste. */
export function renderLeftBehind(findings: readonly Finding[], level: RenderLevel): string {
  const left = findings.filter(({ check }) => check === LEFT_BEHIND);
  if (left.length === 0) return "";
  const { shown, more } = firstRows(left, level.rows);
  const lines = shown.map(({ message, remedy = "" }) => `- ${prose(truncate(message, 500))} ${prose(remedy)}`);
  return blocks(`**Left behind**\n\n${lines.join("\n")}`, more);
}

/** Commands for further looking, ready to paste. */
export function renderAdvice(advice: DeploymentReport["advice"]): string {
  if (advice.length === 0) return "";
  const lines = advice.flatMap(({ title, command }, index) => [
    ...(index === 0 ? [] : [""]),
    `# ${title.replace(/\s+/g, " ")}`,
    command,
  ]);
  return fence(lines, "sh");
}

export function renderNotCovered(notCovered: readonly string[]): string {
  return notCovered.map((line) => `- ${prose(truncate(line, 300))}`).join("\n");
}
