import { BelayError } from "@belay/core";
import type { RequestOptions } from "../kubernetes-api.ts";
import { ApiError, isStatus } from "./api-error.ts";

/** A read may always be asked again; a change only when the server says that it did not begin with it. */
export function mayAskAgain(error: unknown, isRead: boolean): boolean {
  if (isStatus(error, 429)) return true;
  return isRead && error instanceof BelayError && error.code === "ENGINE_UNREACHABLE";
}

/** A pause that the server asked for. */
export function retryAfterMs(error: unknown): number | undefined {
  const seconds = error instanceof ApiError ? error.details.retryAfterSeconds : undefined;
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** `?name=value&…`, or nothing. */
export function queryOf(query: RequestOptions["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

/** @throws BelayError TIMED_OUT */
export async function within<T>(
  deadlineMs: number,
  doing: string,
  signal: AbortSignal | undefined,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    return await work(signal === undefined ? deadline : AbortSignal.any([deadline, signal]));
  } catch (error) {
    if (!deadline.aborted || signal?.aborted) throw error;
    const got = `the API server did not answer within ${deadlineMs / 1_000} s`;
    throw new BelayError("TIMED_OUT", { doing, got, cause: error });
  }
}
