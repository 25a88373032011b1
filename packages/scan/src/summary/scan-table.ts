import { remedyOf, subjectOf } from "../gate/finding-words.ts";
import type { GateResult } from "../gate/gate-result.ts";
import { groupDecisions } from "../gate/group-decisions.ts";

const HEAD = ["", "SEVERITY", "WHAT", "IN", "REMEDY", "WHY"] as const;
const MARKS = { fails: "✗", known: "=", reported: "·", ignored: "-" } as const;

/** Every finding in columns, the worst first, for a log. Empty when there is none. */
export function scanTable(result: GateResult): string {
  const groups = groupDecisions(result.decisions);
  if (groups.length === 0) return "";
  const rows = groups.map(({ first: { finding, effect, because } }) => [
    MARKS[effect],
    finding.severity,
    finding.id,
    subjectOf(finding),
    remedyOf(finding),
    because,
  ]);
  const all = [HEAD, ...rows];
  const widths = HEAD.map((_name, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
