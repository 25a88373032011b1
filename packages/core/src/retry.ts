import { type Clock, systemClock } from "./clock.ts";

export interface RetryPolicy {
  /** How often the work is tried at the most, the first try included. At least 1. */
  readonly attempts: number;
  /** Pause before the second try; doubles each time. */
  readonly delayMs: number;
  /** Upper bound of one pause. Default 10,000. */
  readonly maxDelayMs?: number;
  /** Whether this failure can heal. An error that can't is thrown at once. */
  readonly retryable: (error: unknown) => boolean;
  /** A pause that the other side asked for (`Retry-After`), which replaces the computed one within `maxDelayMs`. */
  readonly retryAfterMs?: (error: unknown) => number | undefined;
  readonly onRetry?: (error: unknown, attempt: number, pauseMs: number) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** 0 to 1, spreads the pauses of several runners. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Runs `work` until it succeeds, fails in a way that can't heal, or `attempts` are used up; then the last error is thrown.
 * Pauses grow exponentially with a jitter of one half.
 */
export async function retry<T>(policy: RetryPolicy, work: (attempt: number) => Promise<T>): Promise<T> {
  const clock = policy.clock ?? systemClock;
  for (let attempt = 1; ; attempt++) {
    policy.signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= policy.attempts || !policy.retryable(error)) throw error;
      const pauseMs = pauseBefore(attempt, error, policy);
      policy.onRetry?.(error, attempt, pauseMs);
      await clock.sleep(pauseMs, policy.signal);
    }
  }
}

function pauseBefore(attempt: number, error: unknown, policy: RetryPolicy): number {
  const most = policy.maxDelayMs ?? 10_000;
  const asked = policy.retryAfterMs?.(error);
  if (asked !== undefined) return Math.min(asked, most);
  const grown = Math.min(policy.delayMs * 2 ** (attempt - 1), most);
  return grown * (0.5 + (policy.random ?? Math.random)() / 2);
}
