import { BelayError, type Clock } from "@belay/core";
import { EngineError } from "@belay/docker";
import type { Gap } from "./event-tap.ts";

/** What shows that an engine ends. Times are the engine's, milliseconds since 1970. */
export interface EngineSigns {
  /** When its events could not be followed. */
  readonly gaps: readonly Gap[];
  /** When somebody else last told a container of the project to end. */
  readonly lastTold: number | undefined;
  /** Whether every container of the project that ran was told to end at about this time. */
  allTold(at: number): boolean;
}

/** How long an engine that ends may take to show it, once it has refused something for that reason. */
const SHOWS_MS = 500;
const POLL_MS = 50;
/** How long it may go on answering after it has told its containers to end. */
const ENDING_MS = 20_000;

/**
 * Does something with the engine. One that ends tells its containers to, still answers for a moment, and refuses what it has no
 * more: a process in a container that has just ended, a network whose store is closed (seen on 20.10). That says nothing of what
 * was asked, and it is as if the engine were away.
 *
 * @throws BelayError ENGINE_UNREACHABLE in place of such a refusal, and whatever else `work` throws
 */
export async function unlessEngineEnds<T>(
  { clock, engineNow, signs }: { readonly clock: Clock; readonly engineNow: () => number; readonly signs: EngineSigns },
  work: () => Promise<T>,
): Promise<T> {
  const beganAt = engineNow();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "ENGINE_ERROR") throw error;
    for (const until = clock.now() + SHOWS_MS; !isEnding(signs, beganAt, engineNow()); await clock.sleep(POLL_MS))
      if (clock.now() >= until) throw error;
    const got = `the engine is just ending: ${error.engineMessage}`;
    throw new BelayError("ENGINE_UNREACHABLE", {
      doing: error.doing,
      got,
      next: "Is it being restarted?",
      cause: error,
    });
  }
}

function isEnding(signs: EngineSigns, beganAt: number, now: number): boolean {
  if (signs.gaps.some(({ to }) => to === undefined || to >= beganAt)) return true;
  const { lastTold } = signs;
  return lastTold !== undefined && now - lastTold <= ENDING_MS && signs.allTold(lastTold);
}
