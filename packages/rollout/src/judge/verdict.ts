import type { CauseDetail, Expectation, RolloutPolicy } from "@belay/core";

/** What the judge says of everything it has seen so far. Once `failed`, it stays `failed`. */
export type Verdict =
  | {
      readonly kind: "progressing";
      /** What is not right yet, for people: `web: 1 of 3 instances ready`. Never empty. */
      readonly waitingFor: readonly string[];
    }
  | { readonly kind: "converged" }
  | { readonly kind: "failed"; readonly cause: CauseDetail };

/** What the judge is asked: the tolerances of the policy, and what the present stage must reach. */
export interface JudgeTerms {
  readonly policy: Pick<RolloutPolicy, "startMs" | "stableMs" | "crashes">;
  readonly expect: Expectation;
  /** Whether all must hold for `policy.stableMs` before `converged`. */
  readonly stable: boolean;
  /** Services that are judged: the others have not had their change yet. Default: all. */
  readonly services?: readonly string[];
  /** Whether a later stage makes changes before the stable window begins. Default: false. */
  readonly changesFollow?: boolean;
  /**
   * Nothing better is left to go to (the way back), so that a node or a quota is waited for as long as a start may take.
   * Default: false.
   */
  readonly isLast?: boolean;
}
