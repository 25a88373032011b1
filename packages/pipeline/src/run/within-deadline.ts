import { type BelayError, formatDuration } from "@belay/core";
import type { PipelineContext } from "./context.ts";

/**
 * Runs `work` with a context whose signal aborts after `deadlineMs` too, with the error that `late` makes of that time
 * in words. What `work` has begun ends before this does.
 */
export async function withinDeadline<T>(
  context: PipelineContext,
  deadlineMs: number,
  late: (time: string) => BelayError,
  work: (context: PipelineContext) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(late(formatDuration(deadlineMs))), deadlineMs);
  try {
    return await work({ ...context, signal: AbortSignal.any([context.signal, stop.signal]) });
  } catch (error) {
    // What was under way when the time was over has words of its own for that.
    throw stop.signal.aborted && !context.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
