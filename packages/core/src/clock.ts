import { setTimeout as delay } from "node:timers/promises";

/** Time as a dependency, so that tests can own it. */
export interface Clock {
  /** Milliseconds on a monotonic clock with no meaning outside this process. Use it for every wait and deadline. */
  now(): number;
  /** Wall-clock time, for people and records only: never compared with another machine's. */
  date(): Date;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep: async (milliseconds, signal) => {
    signal?.throwIfAborted();
    try {
      await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
