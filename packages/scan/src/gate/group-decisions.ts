import type { Platform } from "@belay/core";
import { findingKey } from "../report/finding.ts";
import type { Decision } from "./gate-result.ts";

/** One finding for people: the same one in other platforms, files and layers is no news. */
export interface DecisionGroup {
  readonly first: Decision;
  readonly platforms: readonly Platform[];
  /** Files and sets of packages. */
  readonly places: readonly string[];
}

/** In the order of the decisions. What the gate treats differently stays apart. */
export function groupDecisions(decisions: readonly Decision[]): DecisionGroup[] {
  const groups = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const key = JSON.stringify([findingKey(decision.finding), decision.effect, decision.because]);
    groups.set(key, [...(groups.get(key) ?? []), decision]);
  }
  return [...groups.values()].map((all) => ({
    first: all[0] as Decision,
    platforms: distinct(all.map((one) => one.finding.platform)),
    places: distinct(all.map(({ finding }) => (finding.kind === "vulnerability" && finding.path) || finding.target)),
  }));
}

function distinct(texts: readonly (string | undefined)[]): string[] {
  return [...new Set(texts.filter((text) => text !== undefined))];
}
