import { type InstanceEvidence, truncate } from "@belay/core";
import { blocks, code, details, fence, html, prose } from "./markdown.ts";
import type { RenderLevel } from "./render-level.ts";

/** What was seen at each failed instance before anything was restored. The first one is open, the others are folded. */
export function renderEvidence(evidence: readonly InstanceEvidence[], level: RenderLevel): string {
  const shown = evidence.slice(0, level.instances);
  const left = evidence.length - shown.length;
  return blocks(
    ...shown.map((one, index) => (index === 0 ? renderFirst(one, level) : renderFolded(one, level))),
    left > 0 ? `_Evidence of ${left} more ${left === 1 ? "instance" : "instances"} is in the log of the run._` : "",
  );
}

function renderFirst(one: InstanceEvidence, level: RenderLevel): string {
  return blocks(
    `**Evidence** from ${code(one.instance)}${facts(one)
      .map((fact) => ` · ${fact}`)
      .join("")}`,
    body(one, level),
  );
}

function renderFolded(one: InstanceEvidence, level: RenderLevel): string {
  const title = `Evidence from ${html(one.instance)}${facts(one)
    .map((fact) => ` · ${fact}`)
    .join("")}`;
  return details(title, body(one, level) || "_Nothing more was seen._");
}

function facts(one: InstanceEvidence): string[] {
  return [
    ...(one.exitCode === undefined ? [] : [`exit code ${one.exitCode}`]),
    ...(one.oomKilled === true ? ["killed: out of memory"] : []),
  ];
}

/** Log lines that are open; the lines before them are folded. */
const OPEN_LINES = 15;

function body(one: InstanceEvidence, level: RenderLevel): string {
  const cut = (lines: readonly string[], most: number): string[] =>
    (most === 0 ? [] : lines.slice(-most)).map((line) => truncate(line, level.lineWidth));
  const healthLines = (one.healthOutput ?? "").split("\n").filter((line) => line.trim() !== "");
  const health = cut(healthLines, Math.min(level.logLines, OPEN_LINES));
  const log = cut(one.logLines, level.logLines);
  const events = cut(one.events, level.events);
  return blocks(
    renderLog(log),
    health.length === 0 ? "" : `The health check said:\n\n${fence(health)}`,
    events.length === 0 ? "" : details(`Engine events (${events.length})`, fence(events)),
    one.unknown.length === 0 ? "" : `Not known: ${one.unknown.map((line) => prose(truncate(line, 200))).join("; ")}.`,
  );
}

function renderLog(lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const open = lines.slice(-OPEN_LINES);
  const title = open.length === 1 ? "The last log line:" : `The last ${open.length} log lines:`;
  const earlier = lines.slice(0, -OPEN_LINES);
  return blocks(
    `${title}\n\n${fence(open)}`,
    earlier.length === 0 ? "" : details(`The ${earlier.length} lines before`, fence(earlier)),
  );
}
