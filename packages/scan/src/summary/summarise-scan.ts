import type { ScannedService, ScanRow, ScanServiceSummary } from "@belay/core";
import { headlineOfScan, originOf, remedyOf, subjectOf } from "../gate/finding-words.ts";
import type { Decision, Effect, GateResult } from "../gate/gate-result.ts";
import { groupDecisions } from "../gate/group-decisions.ts";
import { type Finding, findingKey } from "../report/finding.ts";

/** The reports have them all. */
const MOST_ROWS = 40;

/** What people are told of the scan of one service's image. */
export function summariseScan(service: string, result: GateResult): ScanServiceSummary {
  const { comparison } = result;
  const compared = comparison !== undefined && "introduced" in comparison ? comparison : undefined;
  const isNew = new Set(compared?.introduced.map(findingKey));
  const changeOf = (finding: Finding): Pick<ScanRow, "change"> =>
    compared === undefined ? {} : { change: isNew.has(findingKey(finding)) ? "new" : "unchanged" };
  const found = groupDecisions(result.decisions).map(({ first, platforms }): ScanRow => {
    const { finding, effect, because, threat } = first;
    const exploited = threat?.exploitedSince === undefined ? {} : { exploited: true };
    return { ...changeOf(finding), ...rowOf(finding), effect, because, platforms, ...exploited };
  });
  const fixed = (compared?.fixed ?? []).map(
    (finding): ScanRow => ({ change: "fixed", ...rowOf(finding), platforms: [] }),
  );
  // What is only known, reported or ignored gives way to what the change fixes.
  const [telling, rest] = [found.filter(isTelling), found.filter((row) => !isTelling(row))];
  const rows = [...telling, ...fixed, ...rest];
  return {
    service,
    result: result.result,
    ...(result.partial ? { partial: true as const } : {}),
    headline: headlineOfScan(result),
    rows: rows.slice(0, MOST_ROWS),
    total: rows.length,
    ...comparisonOf(result),
    obstacles: result.obstacles.map(({ platform, message }) =>
      platform === undefined ? message : `${platform}: ${message}`,
    ),
    notes: result.notes,
  };
}

function isTelling({ effect, change }: ScanRow): boolean {
  return effect === "fails" || (change === "new" && effect !== "ignored");
}

function rowOf(finding: Finding): Omit<ScanRow, "platforms"> {
  return {
    severity: finding.severity,
    id: finding.id,
    ...(finding.link === undefined ? {} : { link: finding.link }),
    subject: subjectOf(finding),
    remedy: remedyOf(finding),
    origin: originOf(finding),
  };
}

function comparisonOf({ comparison }: GateResult): Pick<ScanServiceSummary, "comparison"> {
  if (comparison === undefined) return {};
  if ("impossible" in comparison) return { comparison };
  const { introduced, fixed, unchanged } = comparison;
  return { comparison: { introduced: introduced.length, fixed: fixed.length, unchanged: unchanged.length } };
}

/** How many different findings have each effect. */
export function countEffects(decisions: readonly Decision[]): ScannedService["counts"] {
  const count = (effect: Effect): number => groupDecisions(decisions.filter((one) => one.effect === effect)).length;
  return { fails: count("fails"), known: count("known"), reported: count("reported"), ignored: count("ignored") };
}
