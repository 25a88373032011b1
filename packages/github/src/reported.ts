/**
 * Why a report to GitHub did not happen now. GitHub never decides what happens to a target, so nothing here is thrown:
 * the caller writes the same words into the job summary and goes on.
 */
export type DeferReason =
  /** No token was given. */
  | "no_token"
  /** 401: the token is wrong, expired or revoked. */
  | "unauthorised"
  /** 403: the token lacks a permission. */
  | "forbidden"
  /** 403 on a run for a fork's pull request: such a token can only read. */
  | "read_only"
  /** 404: it is not there, or the token may not see it. */
  | "not_found"
  /** 409, 422 and other 4xx: GitHub did not accept what was sent. */
  | "rejected"
  /** 403 or 429 with a limit that lasts longer than Belay waits. */
  | "rate_limited"
  /** 5xx after all retries. */
  | "unavailable"
  /** No answer: refused, cut, no name, TLS. */
  | "unreachable"
  /** The time for this call, or for all calls of the run, was used up. */
  | "too_slow"
  /** The run was cancelled. */
  | "cancelled"
  /** Belay's own mistake: it is told, and takes no deployment down. */
  | "internal";

export interface Deferred {
  readonly reason: DeferReason;
  /** What was being done, what came back, what to do next. Redacted. Holds outside text: escape it where it is shown. */
  readonly message: string;
}

/** What a call to GitHub gives: the value, or why there is none. */
export type Reported<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly deferred: Deferred };

export function done<T>(value: T): Reported<T> {
  return { done: true, value };
}

export function deferred(reason: DeferReason, message: string): { readonly done: false; readonly deferred: Deferred } {
  return { done: false, deferred: { reason, message } };
}
