import type { Clock } from "@belay/core";

/** A point in time on both clocks of this machine. */
export interface Moment {
  /** Monotonic. */
  readonly now: number;
  /** Wall clock, in milliseconds since 1970. Compared with no other machine's. */
  readonly date: number;
}

export function momentOf(clock: Clock): Moment {
  return { now: clock.now(), date: clock.date().getTime() };
}

/**
 * Milliseconds since then, by the clock that shows more. The monotonic one stands still while a machine is suspended (Linux,
 * `CLOCK_MONOTONIC`), and the wall clock can be set back.
 */
export function ageOf(then: Moment, clock: Clock): number {
  const { now, date } = momentOf(clock);
  return Math.max(now - then.now, date - then.date);
}
