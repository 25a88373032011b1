import type { Instance, ObservedService } from "@belay/core";
import type { Workload } from "../workload.ts";

/**
 * A Job whose work is done may go by itself, its pods before it (`ttlSecondsAfterFinished`): from then on it is what it was
 * when all its pods had come to a good end. That is noted in `ended`, by service, as soon as the judge can see it: the
 * kubelet's last word on the pod, and the Job's `Complete` (`pkg/controller/job`, `syncJobBatchPeriod`), come up to some
 * seconds later, and may be gone before the next look.
 */
export function asItEnded(
  ended: Map<string, ObservedService>,
  service: ObservedService,
  job: Workload | undefined,
): ObservedService {
  if (service.kind !== "Job") return service;
  const done = service.instances.filter((one) => one.revision === service.wantedRevision && hasDoneItsWork(one));
  if (done.length >= Math.max(1, service.desired)) {
    ended.set(service.name, service);
    return service;
  }
  const last = ended.get(service.name);
  if (last?.wantedRevision !== service.wantedRevision || !isOver(job)) return service;
  return { ...service, desired: last.desired, instances: last.instances };
}

/** One that is told to go may end well because of that, in the middle of its work. */
function hasDoneItsWork({ phase, endedBy, containers }: Instance): boolean {
  const mains = containers.filter(({ role }) => role === "main");
  const good = mains.every(({ state, lastExit }) => state === "exited" && lastExit?.code === 0);
  return phase !== "draining" && endedBy !== "node" && mains.length > 0 && good;
}

/** Gone, about to go, or done: pods of it may be missing. One that was made anew is none of it. */
function isOver(job: Workload | undefined): boolean {
  if (job === undefined || job.metadata.deletionTimestamp) return true;
  return job.status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True") === true;
}
