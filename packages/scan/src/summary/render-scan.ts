import { formatDuration, oneLine } from "@belay/core";
import { blocks, code, details, link, prose, table } from "@belay/github";
import { headlineOfScan, originOf, remedyOf, subjectOf } from "../gate/finding-words.ts";
import type { Effect, GateResult } from "../gate/gate-result.ts";
import { type DecisionGroup, groupDecisions } from "../gate/group-decisions.ts";

/** More rows help nobody; the report has them all. */
const MOST_ROWS = 25;

/** What the gate found, as Markdown for a comment or a summary. Outside text in it stays text. */
export function renderScan(result: GateResult, name: string): string {
  return blocks(
    `**${prose(name)}: ${prose(headlineOfScan(result))}.**`,
    list(
      result.obstacles.map(
        (one) => `${one.platform === undefined ? "" : `${code(one.platform)}: `}${prose(one.message)}`,
      ),
    ),
    findings(result, "fails"),
    renderComparison(result),
    fold("known already", findings(result, "known")),
    fold("reported only", findings(result, "reported")),
    fold("ignored", findings(result, "ignored"), renderIgnores(result)),
    list(result.notes.map(prose)),
    renderDatabase(result),
  );
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function fold(title: string, ...parts: readonly string[]): string {
  const body = blocks(...parts);
  return body === "" ? "" : details(title, body);
}

function findings(result: GateResult, effect: Effect): string {
  const groups = groupDecisions(result.decisions.filter((one) => one.effect === effect));
  if (groups.length === 0) return "";
  const head = ["Severity", "What", "In", "Remedy", "From", effect === "fails" ? "Platforms" : "Why"];
  const rows = groups.slice(0, MOST_ROWS).map((group) => rowOf(group, effect));
  const more = groups.length - rows.length;
  return blocks(table(head, rows), more > 0 ? `… and ${more} more, which the report has.` : "");
}

function rowOf({ first, platforms }: DecisionGroup, effect: Effect): string[] {
  const { finding, threat, because } = first;
  const exploited = threat?.exploitedSince === undefined ? "" : " (exploited)";
  return [
    `${finding.severity}${exploited}`,
    link(code(finding.id), finding.link),
    code(subjectOf(finding)),
    prose(remedyOf(finding)),
    code(originOf(finding)),
    effect === "fails" ? platforms.map(code).join(", ") : prose(because),
  ];
}

function renderComparison({ comparison }: GateResult): string {
  if (comparison === undefined) return "";
  if ("impossible" in comparison) return `Not compared with what runs: ${prose(comparison.impossible)}.`;
  const { introduced, fixed, unchanged } = comparison;
  const gone = fixed.slice(0, MOST_ROWS).map((one) => `${link(code(one.id), one.link)} in ${code(subjectOf(one))}`);
  const counts = `Compared with what runs: ${introduced.length} new, ${fixed.length} fixed, ${unchanged.length} unchanged.`;
  return blocks(counts, gone.length === 0 ? "" : details("fixed by this change", list(gone)));
}

function renderIgnores({ ignores }: GateResult): string {
  if (ignores.length === 0) return "";
  const rows = ignores.map((one) => [
    code(one.id),
    code(one.origin),
    prose(one.reason ?? "no reason is given"),
    one.expiresAt === undefined ? "never" : `${one.expired ? "expired " : ""}${one.expiresAt.slice(0, 10)}`,
    String(one.findings),
  ]);
  return table(["Ignored", "By", "Because", "Until", "Findings"], rows);
}

function renderDatabase({ database }: GateResult): string {
  if (database === undefined) return "The database of vulnerabilities that was used is unknown.";
  const age =
    database.ageMs < 3_600_000 ? formatDuration(database.ageMs) : `${Math.round(database.ageMs / 3_600_000)} h`;
  return `Database of vulnerabilities: ${prose(oneLine(database.updatedAt))}, ${age} old.`;
}
