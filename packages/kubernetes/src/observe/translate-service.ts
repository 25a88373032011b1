import { type Condition, type Instance, type ObservedService, perObject, shareParts, type Wanted } from "@belay/core";
import type { KubernetesObject, ObjectKey } from "../kubernetes-object.ts";
import { desiredOf, type PodTemplate, type Workload } from "../workload.ts";
import type { NamespaceView } from "./namespace-watch.ts";
import { observedRevision } from "./observed-revision.ts";
import { type Pod, type PodEvent, timeOf } from "./pod.ts";
import { conditionsOfPods, conditionsOfWorkload, failureOfJob } from "./translate-conditions.ts";
import { type PodPlace, translatePod } from "./translate-pod.ts";
import { viewIndex } from "./view-index.ts";

/** What stands between a workload and its pods, and whose template they have: a ReplicaSet, a ControllerRevision. */
export interface Generation {
  readonly object: KubernetesObject;
  readonly revision: string;
}

/** One service as it is now, in the judge's words. Pure. */
export function translateService(wanted: Wanted, key: ObjectKey, view: NamespaceView): ObservedService {
  const workload = findWorkload(key, view);
  const mine = podsOf(key, view).map((pod) => ({ pod, revision: revisionOfPod(pod, key, workload, view) }));
  const triesAgain = maySucceedYet(workload);
  const forgiven = (pod: Pod): boolean => triesAgain && pod.status?.phase === "Failed";
  const own = mine.filter(({ pod, revision }) => revision !== undefined && !forgiven(pod));
  const fresh = own.filter(({ revision }) => revision === wanted.revision).map(({ pod }) => pod);
  const conditions = [
    ...conditionsOfPods(fresh, view),
    ...(workload === undefined ? [] : conditionsOfWorkload(workload, wanted.revision, fresh, view)),
  ];
  return {
    name: wanted.service,
    kind: key.kind,
    goal: wanted.goal,
    desired: workload === undefined ? wanted.desired : desiredNow(workload, wanted),
    wantedRevision: wanted.revision,
    conditions: unique(conditions),
    instances: translateAll(own, key, view, triesAgain),
  };
}

/** How many nodes take a DaemonSet, its controller counts. Until it has, there is at least one to wait for. */
function desiredNow(workload: Workload, wanted: Wanted): number {
  const counted = desiredOf(workload);
  const { kind, metadata, status } = workload;
  const isCounted = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return kind !== "DaemonSet" || isCounted ? counted : Math.max(1, wanted.desired, counted);
}

function translateAll(
  pods: readonly { readonly pod: Pod; readonly revision: string | undefined }[],
  key: ObjectKey,
  view: NamespaceView,
  triesAgain: boolean,
): readonly Instance[] {
  const instances: Instance[] = [];
  for (const { pod, revision = "" } of pods) {
    const place = { revision, slot: slotOf(pod, key), triesAgain };
    instances.push(translated(pod, place, viewIndex.eventsOf(view, pod.metadata.uid), instances.at(-1)));
  }
  return instances;
}

/** The last translation of a pod: while nothing of it changes it is the same object, and need not be looked into again. */
const lastOf = perObject((_pod: Pod): { place?: PodPlace; events?: readonly PodEvent[]; instance?: Instance } => ({}));

function translated(pod: Pod, place: PodPlace, events: readonly PodEvent[], neighbour: Instance | undefined): Instance {
  const last = lastOf(pod);
  const same =
    last.place?.revision === place.revision &&
    last.place.slot === place.slot &&
    last.place.triesAgain === place.triesAgain &&
    last.events?.length === events.length &&
    events.every((event, index) => event === last.events?.[index]);
  if (!same || last.instance === undefined) {
    const instance = shareParts(translatePod(pod, place, events), last.instance ?? neighbour);
    Object.assign(last, { place, events, instance });
  }
  return last.instance as Instance;
}

export function findWorkload(key: ObjectKey, view: NamespaceView): Workload | undefined {
  return viewIndex.named(view, key.kind, key.name) as Workload | undefined;
}

/**
 * All pods whose chain of controllers leads to a workload of this kind and name, the one before it that was deleted
 * included: its pods serve until they are gone.
 */
export function podsOf(key: ObjectKey, view: NamespaceView): readonly Pod[] {
  if (key.kind !== "Deployment") return viewIndex.controlledBy(view, "Pod", key) as readonly Pod[];
  const sets = viewIndex.controlledBy(view, "ReplicaSet", key);
  return sets.flatMap(({ metadata }) => viewIndex.controlledByUid(view, "Pod", metadata.uid) as readonly Pod[]);
}

/** `undefined` for a CronJob's: its Jobs come and go by the clock. */
export function revisionOfPod(
  pod: Pod,
  key: ObjectKey,
  workload: Workload | undefined,
  view: NamespaceView,
): string | undefined {
  if (key.kind === "Job") return workload?.spec.template && observedRevision(workload.spec.template);
  const labels = pod.metadata.labels ?? {};
  const hash = labels[key.kind === "Deployment" ? "pod-template-hash" : "controller-revision-hash"] ?? "";
  const template = templateOfHash(hash, key, view);
  // Its ReplicaSet or ControllerRevision is gone or not seen yet: it is another one than any that is known.
  return template === undefined ? `${UNKNOWN}${hash}` : observedRevision(template);
}

const UNKNOWN = "unknown-";

/** Whether {@link revisionOfPod} could not tell which one it is: it may be any, also one that is only not seen yet. */
export function isUnknownRevision(revision: string): boolean {
  return revision.startsWith(UNKNOWN);
}

/** The template that the controllers' own hash stands for. */
export function templateOfHash(hash: string, key: ObjectKey, view: NamespaceView): PodTemplate | undefined {
  if (key.kind === "Deployment") {
    const sets = viewIndex.controlledBy(view, "ReplicaSet", key);
    const set = sets.find((one) => one.metadata.labels?.["pod-template-hash"] === hash);
    return (set as Workload | undefined)?.spec.template;
  }
  const revisions = viewIndex.controlledBy(view, "ControllerRevision", key);
  // A StatefulSet's pods carry the revision's name, a DaemonSet's only its hash.
  const found = revisions.find(
    ({ metadata }) => metadata.name === hash || metadata.labels?.["controller-revision-hash"] === hash,
  );
  return found && templateInRevision(found);
}

/** `{spec: {template: {…, $patch: "replace"}}}` (`pkg/controller/statefulset`, `getPatch`). */
const templateInRevision = perObject((revision: KubernetesObject): PodTemplate | undefined => {
  const data = revision.data as
    | { readonly spec?: { readonly template?: PodTemplate & { $patch?: string } } }
    | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch, ...template } = data.spec.template;
  return template;
});

/**
 * Whether a Job may try again where a pod ends badly (`Never`), or a container in it (`OnFailure`): its `backoffLimit` is its
 * owner's word.
 */
function maySucceedYet(workload: Workload | undefined): boolean {
  if (workload?.kind !== "Job") return false;
  return failureOfJob(workload) === undefined && (workload.spec.backoffLimit ?? DEFAULT_BACKOFF) > 0;
}

const DEFAULT_BACKOFF = 6;

function slotOf(pod: Pod, { kind, name }: ObjectKey): string {
  if (kind === "DaemonSet") return pod.spec.nodeName ?? pod.metadata.name;
  if (kind === "Job") return pod.metadata.annotations?.["batch.kubernetes.io/job-completion-index"] ?? name;
  return pod.metadata.name;
}

function unique(conditions: readonly Condition[]): Condition[] {
  return [...new Map(conditions.map((one) => [`${one.type} ${one.message}`, one])).values()];
}

/** Events of an object and of what it made, oldest first. */
export function eventsOf(uids: ReadonlySet<string>, view: NamespaceView): readonly PodEvent[] {
  return [...uids].flatMap((uid) => viewIndex.eventsOf(view, uid)).sort((a, b) => timeOf(a) - timeOf(b));
}
