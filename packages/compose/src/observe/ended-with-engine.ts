import type { ComposeContainer } from "../containers/compose-container.ts";
import { type Note, signalNumber } from "../containers/container-notes.ts";
import type { Gap } from "./event-tap.ts";

/** Two times of one engine that mean the same moment. An event is written some milliseconds after what it tells of. */
const SAME_MS = 2_000;
/** The longest that an engine that was told to end waits for its containers, beside the longest of their graces. */
const SHUTDOWN_MS = 20_000;

/** What the target knows besides a container itself. Times are the engine's, milliseconds since 1970. */
export interface Surroundings {
  readonly note: Pick<Note, "died" | "killed">;
  /** When the engine's events could not be followed. */
  readonly gaps: readonly Gap[];
  /** Whether every container of the project that runs was told to end at about this time. */
  readonly allTold: (at: number) => boolean;
  readonly now: number;
  readonly graceMs: number;
}

/**
 * Whether a container has ended because its engine did, which says nothing of the release. An engine that is stopped in good
 * order tells all its containers at once to end, says so (`kill`, `die`), and only then goes away itself; newer ones close
 * their doors before (both seen). One that was killed finds its containers ended when it is back, and nobody was told.
 */
export function endedWithEngine({ inspect }: ComposeContainer, around: Surroundings): boolean {
  const { note, gaps, allTold, now, graceMs } = around;
  const finished = Date.parse(inspect.State.FinishedAt);
  if (!(finished > 0)) return false;
  const heard = note.died !== undefined && note.died.at >= finished - SAME_MS;
  if (!heard) return gaps.some(({ from, to = now }) => finished >= from - SAME_MS && finished <= to + SAME_MS);
  const { killed } = note;
  if (killed === undefined || killed.signal !== signalNumber(inspect.Config.StopSignal ?? "SIGTERM")) return false;
  const went = ({ from }: Gap): boolean => from >= killed.at && from - killed.at <= SHUTDOWN_MS + graceMs;
  return gaps.some(went) || (now - killed.at <= SHUTDOWN_MS + graceMs && allTold(killed.at));
}

/** Whether two times are those of one command to several containers. */
export function isOneMoment(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_MS;
}
