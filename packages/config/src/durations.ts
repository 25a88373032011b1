import { formatDuration, parseDuration } from "@belay/core";
import { showValue } from "./problem.ts";

/** One day: nothing that Belay waits for takes longer, and timers of Node end at 24.8 days. */
export const LONGEST_MS = 86_400_000;

export interface DurationRule {
  readonly leastMs: number;
  /** Default {@link LONGEST_MS}. */
  readonly mostMs?: number;
}

/** Shortest legal value of each duration. */
export const DURATION_RULES = {
  rollout: {
    start: { leastMs: 1 },
    deadline: { leastMs: 1 },
    stable: { leastMs: 0 },
    drain: { leastMs: 0 },
  },
  scan: {
    "max-db-age": { leastMs: 60_000, mostMs: 366 * LONGEST_MS },
    "max-java-db-age": { leastMs: 60_000, mostMs: 366 * LONGEST_MS },
    timeout: { leastMs: 1_000 },
  },
  /** More than ten questions a second would be a load test. */
  health: { interval: { leastMs: 100 }, timeout: { leastMs: 1 } },
} as const satisfies Record<string, Record<string, DurationRule>>;

/** A duration whose shape has been checked. */
export function toMilliseconds(value: string | 0): number {
  return value === 0 ? 0 : (parseDuration(value) ?? Number.NaN);
}

/** What is wrong with a duration, as the rest of a sentence that begins "`…` is". */
export function durationProblem(value: string | 0, rule: DurationRule): string | undefined {
  const milliseconds = toMilliseconds(value);
  const { leastMs, mostMs = LONGEST_MS } = rule;
  if (milliseconds >= leastMs && milliseconds <= mostMs) return undefined;
  const most = mostMs === LONGEST_MS ? "24 h" : `${Math.floor(mostMs / LONGEST_MS)} d`;
  return `${showValue(value)}. Legal values: ${formatDuration(leastMs)} to ${most}.`;
}
