import type { Expectation, Observation } from "@belay/core";
import { takeBaseline } from "../judge/baseline.ts";
import { judge } from "../judge/judge.ts";
import type { JudgeTerms, Verdict } from "../judge/verdict.ts";
import { observed, old } from "./observations.ts";

const POLICY = { startMs: 60_000, stableMs: 5_000, crashes: 2 };
/** The old release alone, as it is at most begins. */
export const BEFORE = observed([old("o1")]);

/** What the judge is shown in one case of a table. */
export interface Case {
  readonly before?: Observation;
  /** Observations with the second at which each is asked for. */
  readonly seen: readonly (readonly [number, Observation])[];
  readonly expect?: Expectation;
  readonly stable?: boolean;
  readonly crashes?: number;
  readonly isLast?: boolean;
}

/** The verdict of all that a case shows. */
export function verdictOf(one: Case): Verdict {
  const policy = { ...POLICY, crashes: one.crashes ?? POLICY.crashes };
  const { expect = "alone", stable = false, isLast = false } = one;
  const terms: JudgeTerms = { policy, expect, stable, isLast };
  const seen = one.seen.map(([seconds, observation]) => ({ at: seconds * 1_000, observation }));
  return judge(terms, takeBaseline(one.before ?? BEFORE), seen, Number.POSITIVE_INFINITY);
}

export function waitingOf(verdict: Verdict): readonly string[] {
  return verdict.kind === "progressing" ? verdict.waitingFor : [];
}

/** The last exit of a container. */
export const exit = (code: number, more = {}) => ({ lastExit: { code, oomKilled: false, ...more } });
