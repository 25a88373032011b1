import { BelayError, type Clock, formatDuration } from "@belay/core";

export interface Bounds {
  readonly doing: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What to tell when time is over. */
  readonly next?: string;
}

/**
 * Runs `work` with a signal that aborts with the caller's signal or when the time is over. Then it throws the caller's
 * reason, or a `TIMED_OUT`. After `work` has resolved only the caller's signal counts, so a stream that it returned
 * lives on.
 */
export async function within<T>(clock: Clock, bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  bounds.signal?.throwIfAborted();
  const expiry = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(bounds.deadlineMs, done.signal).then(
    () => expiry.abort(),
    () => undefined, // `work` ended first.
  );
  const signal = bounds.signal === undefined ? expiry.signal : AbortSignal.any([bounds.signal, expiry.signal]);
  try {
    return await work(signal);
  } catch (error) {
    bounds.signal?.throwIfAborted();
    if (!expiry.signal.aborted) throw error;
    throw new BelayError("TIMED_OUT", {
      doing: bounds.doing,
      got: `no complete answer from the Docker engine within ${formatDuration(bounds.deadlineMs)}`,
      next: bounds.next ?? "Is the engine overloaded or the way to it broken?",
      cause: error,
    });
  } finally {
    done.abort();
    await timer;
  }
}
