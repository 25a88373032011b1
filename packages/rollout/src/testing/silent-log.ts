import type { Log } from "@belay/core";

/** A log that keeps its lines for a test to look at, and shows nothing. */
export function silentLog(lines: string[] = []): Log {
  const keep = (message: string): void => {
    lines.push(message);
  };
  return {
    debug: keep,
    info: keep,
    notice: keep,
    warn: keep,
    error: keep,
    group: async (title, work) => {
      keep(title);
      return work();
    },
  };
}
