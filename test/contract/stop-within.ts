import type { Log } from "@belay/core";
import type { KubernetesApi } from "@belay/kubernetes";
import { interposed } from "./interposed.ts";

/** Where a runner is stopped amid an act: one object is changed or under way, the next one is not sent yet. */
export interface StopPoint {
  readonly way: "forward" | "back";
  readonly signal: "SIGKILL" | "SIGSTOP";
}

/** What the log says just before. */
export const STOPS = "stops amid its changes";

/** Ends or stops this process before it changes a second object on its way. */
export function stopWithin<T extends KubernetesApi>(api: T, point: StopPoint | undefined, log: Log): T {
  if (point === undefined) return api;
  const changed = new Set<string>();
  let stopped = false;
  return interposed(api, ({ name, text }) => {
    // A JSON pointer writes `belay.dev~1restored-by`.
    const way = text.includes("restored-by") ? "back" : "forward";
    if (stopped || way !== point.way) return undefined;
    changed.add(name);
    if (changed.size < 2) return undefined;
    stopped = true;
    log.info(STOPS);
    process.kill(process.pid, point.signal);
    // The signal comes when it comes; nothing is sent before.
    return new Promise((resolve) => setTimeout(resolve, 200));
  });
}
