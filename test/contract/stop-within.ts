import type { Log } from "@belay/core";
import type { KubernetesApi } from "@belay/kubernetes";
import { type Change, interposed } from "./interposed.ts";
import { stopHere } from "./stop-here.ts";

/**
 * Where a runner is stopped amid an act: one object is changed or under way, the next one is not sent yet. Or it is just
 * about to create (`add`) or to remove (`prune`) the workload `worker`.
 */
export interface StopPoint {
  readonly way: "forward" | "back" | "add" | "prune";
  readonly signal: "SIGKILL" | "SIGSTOP";
}

/** The same API, on which this process ends or stops at that point. */
export function stopWithin<T extends KubernetesApi>(api: T, point: StopPoint | undefined, log: Log): T {
  if (point === undefined) return api;
  const changed = new Set<string>();
  const isSecond = ({ name }: Change): boolean => changed.add(name).size === 2;
  let stopped = false;
  return interposed(api, (change) => {
    if (stopped || wayOf(change) !== point.way) return undefined;
    if ((point.way === "forward" || point.way === "back") && !isSecond(change)) return undefined;
    stopped = true;
    stopHere(point.signal, log);
    return undefined;
  });
}

function wayOf({ method, name, text }: Change): StopPoint["way"] {
  if (name === "worker") return method === "remove" ? "prune" : "add";
  // A JSON pointer writes `belay.dev~1restored-by`.
  return text.includes("restored-by") ? "back" : "forward";
}
