import { bySeverity } from "../report/severity.ts";
import type { Decision, Effect } from "./gate-result.ts";

const EFFECTS: readonly Effect[] = ["fails", "known", "reported", "ignored"];

/** For sorting decisions, of one image or of several: what fails, then what is known to be exploited, then the severest. */
export function worstFirst(a: Decision, b: Decision): number {
  const effect = EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect);
  const exploited = Number(b.threat?.exploitedSince !== undefined) - Number(a.threat?.exploitedSince !== undefined);
  const name = a.finding.id < b.finding.id ? -1 : a.finding.id > b.finding.id ? 1 : 0;
  return effect || exploited || bySeverity(a.finding.severity, b.finding.severity) || name;
}
