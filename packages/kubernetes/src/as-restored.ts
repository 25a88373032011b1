import { type ObservedService, perObject } from "@belay/core";
import type { Snapshot } from "./snapshot.ts";

const byService = perObject(({ objects }: Snapshot) => {
  const known = objects.filter(({ service, was }) => service !== undefined && was !== undefined);
  return new Map(known.map((one) => [one.service, one]));
});

/**
 * A service as the judge of a restoration has to see it: what was not right before is no matter of the judge's. That a node
 * takes a pod of it is not, either: nobody waits for more than were there.
 */
export function asRestored(seen: ObservedService, snapshot: Snapshot | undefined): ObservedService {
  const was = snapshot && byService(snapshot).get(seen.name);
  if (was?.ready === undefined || was.desired === undefined || seen.goal === "complete") return seen;
  const { ready, desired } = was;
  if (ready >= desired) return seen;
  const counts = (isReady: boolean): boolean => ready > 0 && isReady;
  return {
    ...seen,
    desired: Math.min(ready, seen.desired),
    conditions: seen.conditions.filter(({ type }) => type !== "unschedulable"),
    instances: seen.instances.filter((one) => one.revision !== seen.wantedRevision || counts(one.ready)),
  };
}
