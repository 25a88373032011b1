import type { Observation } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import { openJudgement, step } from "./judgement.ts";
import type { JudgeTerms, Verdict } from "./verdict.ts";

/** An observation and the monotonic time, in milliseconds, at which it was asked for. */
export interface Seen {
  readonly at: number;
  readonly observation: Observation;
}

/**
 * The verdict at `now` of everything seen until then, in order. Pure: the same input gives the same verdict, whatever the
 * engine's clock says. Folds {@link step}.
 */
export function judge(terms: JudgeTerms, baseline: Baseline, seen: readonly Seen[], now: number): Verdict {
  const known = seen.filter((one) => one.at <= now);
  return known.reduce((before, one) => step(terms, before, one.observation, one.at), openJudgement(baseline)).verdict;
}
