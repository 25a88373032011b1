import type { Finding } from "@belay/core";
import { foreignOwnersOf } from "../foreign-owners.ts";
import { titleOf } from "../kubernetes-object.ts";
import { isTouched, type PlannedObject } from "../plan-detail.ts";
import { desiredOf, isWorkload, type Workload } from "../workload.ts";

/** What of the objects themselves makes a rollout impossible, or impossible to prove. Pure. */
export function findObstacles(objects: readonly PlannedObject[]): Finding[] {
  return objects.filter(isTouched).flatMap((planned): Finding[] => {
    const { desired, live, preview } = planned;
    const service = desired.service === undefined ? {} : { service: desired.service };
    const object = preview.object ?? live;
    const own = object !== undefined && isWorkload(object) ? obstaclesOf(object) : [];
    const owners = live === undefined ? [] : foreignOwnersOf(live);
    return [...own, ...owners].map((finding) => ({ ...service, ...finding }));
  });
}

function obstaclesOf(workload: Workload): Finding[] {
  const { kind, spec } = workload;
  const title = titleOf({ kind, name: workload.metadata.name });
  if (kind === "Deployment" && spec.paused === true) {
    const message = `${title} is paused: no new pod would come`;
    return [{ level: "refuse", check: "paused", message, remedy: `kubectl rollout resume ${title}` }];
  }
  if (spec.updateStrategy?.type === "OnDelete") {
    const message = `${title} changes its pods only when somebody deletes them (updateStrategy OnDelete): nothing could be proven`;
    return [{ level: "refuse", check: "on_delete", message, remedy: "Use the update strategy RollingUpdate." }];
  }
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (kind === "StatefulSet" && partition > 0) {
    const message = `${title} keeps the pods below ordinal ${partition} as they are (partition): it never becomes one release`;
    const remedy = "Set `updateStrategy.rollingUpdate.partition` to 0 for a deployment by Belay.";
    return [{ level: "refuse", check: "partition", message, remedy }];
  }
  return [...unproven(workload, title)];
}

/** A Job that stays for less time after its end may be gone before a busy machine has heard of the end, in seconds. */
const BRIEF_S = 10;

function unproven(workload: Workload, title: string): Finding[] {
  const { ttlSecondsAfterFinished: staysS } = workload.spec;
  if (workload.kind === "Job" && staysS !== undefined && staysS < BRIEF_S) {
    const message = `${title} goes ${staysS} s after its end (ttlSecondsAfterFinished): who does not hear of the end in time takes it for lost`;
    return [{ level: "warn", check: "brief_job", message, remedy: `Let it stay for ${BRIEF_S} s or more.` }];
  }
  if (workload.kind === "CronJob") {
    const message = `${title} is changed, and its next run is not watched`;
    return [{ level: "warn", check: "not_watched", message }];
  }
  if (desiredOf(workload) === 0 && workload.kind !== "DaemonSet") {
    const message = `${title} is scaled to 0: no pod of the release runs, so that nothing is proven of it`;
    return [{ level: "warn", check: "no_replicas", message }];
  }
  return [];
}
