import type { Clock } from "@belay/core";

export const TIMED_OUT: unique symbol = Symbol("timed out");

export interface Limits {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` until it ends, `timeoutMs` have passed ({@link TIMED_OUT}) or the signal aborts (rejects with its reason).
 * In the last two cases the signal that `work` got is aborted, and what becomes of `work` doesn't matter any more.
 */
export async function withTimeout<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>) {
  const { clock, timeoutMs, signal } = limits;
  signal.throwIfAborted();
  const inner = new AbortController();
  const timer = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const late = clock.sleep(timeoutMs, timer.signal).then((): typeof TIMED_OUT => TIMED_OUT);
  const all: [Promise<T>, Promise<typeof TIMED_OUT>, Promise<never>] = [
    start(work, inner.signal),
    late,
    aborted.promise,
  ];
  try {
    return await Promise.race(all);
  } finally {
    signal.removeEventListener("abort", onAbort);
    // The losers of the race end now; nobody waits for their errors.
    void Promise.allSettled(all);
    timer.abort(TIMED_OUT);
    inner.abort(TIMED_OUT);
  }
}

/** What `work` throws at once becomes a rejection. */
async function start<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return await work(signal);
}
