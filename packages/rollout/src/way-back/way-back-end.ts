import type { CauseDetail, Finding, Observation, RunningService } from "@belay/core";
import type { RunsFacts } from "../ledger/records.ts";
import type { NothingProven } from "./nothing-to-go-back-to.ts";
import type { Restored } from "./put-back.ts";
import { restoredRuns } from "./same-release.ts";

/** What a way back has led to, whoever went it: the run itself, or whoever recovers it. */
export type WayBackEnd = { readonly runs: RunsFacts } & (
  | { readonly outcome: "rolled_back" }
  /** Nothing was lost, and nothing is proven. */
  | { readonly outcome: "unverified"; readonly nothing: readonly Finding[] }
  | { readonly outcome: "rollback_failed"; readonly cause: CauseDetail }
);

/**
 * What ran before is not right. That is a way back that failed, and somebody has to look, unless it was so before as well and
 * nothing was ever proven.
 */
export function endedIll(
  cause: CauseDetail,
  seen: Observation | undefined,
  nothingProven: NothingProven | undefined,
): WayBackEnd {
  const runs = { proven: false };
  // What somebody else has made of it is not what was before.
  const nothing = cause.cause === "drifted" ? undefined : nothingProven?.(cause, seen, "back");
  return nothing === undefined ? { outcome: "rollback_failed", cause, runs } : { outcome: "unverified", nothing, runs };
}

/** What ran before is back, by the judge and by what was read of the target. */
export function endedBack(
  before: RunsFacts | undefined,
  back: Pick<Restored, "wanted" | "observation">,
  running: readonly RunningService[],
  nothingProven: NothingProven | undefined,
): WayBackEnd {
  const runs = restoredRuns(before, back, running);
  const nothing = runs.proven ? undefined : stillIll(back, running, nothingProven);
  return nothing === undefined ? { outcome: "rolled_back", runs } : { outcome: "unverified", nothing, runs };
}

/** Nothing was expected of what was not right before, so that the way back has proven nothing of it. */
function stillIll(
  { wanted, observation }: Pick<Restored, "wanted" | "observation">,
  running: readonly RunningService[],
  nothingProven: NothingProven | undefined,
): readonly Finding[] | undefined {
  // What the way back had not to put back is as it was found.
  const isPutBack = (name: string): boolean => wanted.some(({ service, goal }) => service === name && goal === "run");
  const ill = running.find(({ service, ready, desired }) => ready === 0 && desired > 0 && isPutBack(service));
  return ill && nothingProven?.({ cause: "recovered", service: ill.service }, observation, "back");
}
