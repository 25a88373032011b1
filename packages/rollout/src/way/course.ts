import { type CauseDetail, isBelayError, type Observation, type RolloutPolicy } from "@belay/core";
import type { Tenure } from "../ledger/tenure.ts";
import type { RolloutPorts } from "../ports.ts";
import type { Step } from "../steps.ts";
import type { Excused } from "./excused.ts";

/** The way forward or back, with the bounds of that way. */
export interface Course {
  readonly ports: RolloutPorts;
  readonly policy: RolloutPolicy;
  readonly direction: "forward" | "back";
  /** None while only confirming what runs: nothing is changed then. */
  readonly tenure?: Tenure;
  readonly beganAt: number;
  /** Monotonic time at which this way is given up. */
  readonly deadlineAt: number;
  /** Nothing is changed on this way before this has ended. It does not fail. What is held meanwhile is no part of the way. */
  readonly after?: Promise<void>;
  /** Whose failure does not end this way. */
  readonly excused?: Excused;
  /** Cancels this way; the way back has none. */
  readonly cancel?: AbortSignal;
}

/** How a way ended. Being taken over is thrown (FENCED). */
export type WayEnd = (
  | { readonly kind: "converged" }
  | { readonly kind: "failed"; readonly cause: CauseDetail }
  | { readonly kind: "timed_out"; readonly waitingFor: readonly string[]; readonly unreachable: boolean }
  | { readonly kind: "cancelled" }
) & {
  /** The last thing that was seen. */
  readonly observation: Observation | undefined;
  /** Whether anything may have been changed. */
  readonly touched: boolean;
  /** It ended before its last stage: not all that it was to change was changed. */
  readonly leftOff?: true;
};

/** Names of the three steps of each way. */
export const WAY_STEPS = {
  forward: { baseline: "baseline", act: "act", watch: "watch" },
  back: { baseline: "restore baseline", act: "restore act", watch: "restore watch" },
} as const satisfies Record<Course["direction"], Record<string, Step>>;

export function isLate(course: Course): boolean {
  return course.ports.clock.now() >= course.deadlineAt;
}

/** @throws BelayError FENCED when another run took over. */
export function throwIfFenced(course: Course): void {
  const reason: unknown = course.tenure?.signal.reason;
  if (isBelayError(reason, "FENCED")) throw reason;
}

export function isCancelled(course: Course): boolean {
  return course.cancel?.aborted === true;
}

/**
 * A signal for one piece of work: aborts with the cancellation and the deadline, and for a change also when life can't be
 * shown any more (looking is allowed to anybody). `done` frees what stands behind it.
 */
export function bound(course: Course, life?: AbortSignal): { readonly signal: AbortSignal; readonly done: () => void } {
  const { clock } = course.ports;
  const deadline = new AbortController();
  const over = new AbortController();
  const left = Math.max(0, course.deadlineAt - clock.now());
  clock.sleep(left, over.signal).then(
    () => deadline.abort(),
    (error: unknown) => {
      if (!over.signal.aborted) deadline.abort(error);
    },
  );
  const signals = [deadline.signal, course.cancel, life].filter((one) => one !== undefined);
  return { signal: AbortSignal.any(signals), done: () => over.abort() };
}
