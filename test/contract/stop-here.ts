import type { Log } from "@belay/core";

/** What the log says just before. */
export const STOPS = "stops amid its changes";

/**
 * Ends or stops this process. The signal comes when it comes, so this waits for it; without giving anything else a turn, so
 * that whoever is woken goes on with exactly what it was about to do.
 */
export function stopHere(signal: "SIGKILL" | "SIGSTOP", log: Log): void {
  log.info(STOPS);
  process.kill(process.pid, signal);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}
