import type { Condition as BelayCondition } from "@belay/core";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import { type Condition, templateOf, type Workload } from "../workload.ts";
import type { NamespaceView } from "./namespace-watch.ts";
import { observedRevision } from "./observed-revision.ts";
import { lastWriter } from "./others-change.ts";
import type { Pod, PodEvent } from "./pod.ts";
import { timeOf } from "./pod.ts";
import { isSourceMissing, killsOf } from "./translate-pod.ts";
import { viewIndex } from "./view-index.ts";

/** What the pods of the wanted revision tell before a container of theirs exists, or while one is about to end. */
export function conditionsOfPods(pods: readonly Pod[], view: NamespaceView): BelayCondition[] {
  return pods
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .flatMap((pod): BelayCondition[] => {
      const own = viewIndex.eventsOf(view, pod.metadata.uid);
      return [...unschedulable(pod), ...mountFailures(pod, own), ...missingSources(pod), ...condemned(pod, own)];
    });
}

/**
 * The kubelet says that it kills a container before it does. The end itself takes as long as the application wants, up to its
 * grace period; nothing can save it any more.
 */
function condemned({ metadata, spec, status }: Pod, events: readonly PodEvent[]): BelayCondition[] {
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ name }): BelayCondition[] => {
    const shown = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    const { state, restartCount = 0 } = shown.find((one) => one.name === name) ?? {};
    if (state?.terminated !== undefined || (state?.running === undefined && restartCount > 0)) return [];
    const since = Date.parse(state?.running?.startedAt ?? "") || 0;
    const kill = killsOf(name, events).find(({ at }) => at >= since);
    if (kill === undefined) return [];
    const message = `the engine kills ${metadata.name} because its ${kill.by} failed`;
    return [{ type: kill.by === "startup probe" ? "startup_killed" : "unhealthy", message }];
  });
}

function unschedulable({ status }: Pod): BelayCondition[] {
  const found = status?.conditions?.find(
    ({ type, status: is, reason }) => type === "PodScheduled" && is === "False" && reason === "Unschedulable",
  );
  return found === undefined ? [] : [{ type: "unschedulable", message: found.message ?? "no node can take the pod" }];
}

/** The kubelet's words for a volume whose source does not exist (`pkg/volume/configmap`, `pkg/volume/secret`). */
const MISSING_SOURCE = /(?:configmap|secret) "[^"]+" not found|references non-existent (?:config|secret) key/;

/**
 * A volume that can't be mounted shows nowhere but in events: the pod stays in `ContainerCreating`. The kubelet tries again
 * and again, and the event stays when a later try succeeds.
 */
function mountFailures(pod: Pod, events: readonly PodEvent[]): BelayCondition[] {
  if (pod.status?.phase !== "Pending" || isMounted(pod, events)) return [];
  const found = events.find(({ reason, message }) => reason === "FailedMount" && MISSING_SOURCE.test(message ?? ""));
  return found === undefined ? [] : [{ type: "config_missing", message: found.message ?? "", mayPass: true }];
}

/** What a container reads from a config or a secret that is not there, or not yet. */
function missingSources({ metadata, status }: Pod): BelayCondition[] {
  const shown = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return shown.flatMap(({ state }): BelayCondition[] => {
    if (!isSourceMissing(state?.waiting)) return [];
    return [{ type: "config_missing", message: `${metadata.name}: ${state?.waiting?.message}`, mayPass: true }];
  });
}

/** Only when all volumes are mounted, the kubelet makes the sandbox and then pulls images (`pkg/kubelet`, `SyncPod`). */
function isMounted({ status }: Pod, events: readonly PodEvent[]): boolean {
  const sandboxed = status?.conditions?.some(
    ({ type, status: is }) => type === "PodReadyToStartContainers" && is === "True",
  );
  if (sandboxed === true) return true;
  const shown = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const began = shown.some(({ state }) => state?.running !== undefined || state?.terminated !== undefined);
  return began || events.some(({ reason }) => AFTER_MOUNT.includes(reason ?? ""));
}

const AFTER_MOUNT: readonly string[] = ["Pulling", "Pulled", "Created", "Started"];

/** What is said of the workload as a whole: also when it has no pod at all. `pods`: those of the wanted revision. */
export function conditionsOfWorkload(
  workload: Workload,
  wanted: string,
  pods: readonly Pod[],
  view: NamespaceView,
): BelayCondition[] {
  const template = templateOf(workload);
  // Nothing can be said of a revision that is not asked for yet.
  if (template === undefined || observedRevision(template) !== wanted) return [];
  const paused = pausedByHand(workload);
  if (workload.kind === "Deployment") {
    const set = replicaSetOf(workload, wanted, view);
    return [...paused, ...failedCreate(set), ...gaveUp(workload, set)];
  }
  return [...paused, ...failedJob(workload, pods), ...failedByEvents(workload, pods, view)];
}

/** What ended a Job for good (`BackoffLimitExceeded`, `DeadlineExceeded`); `FailureTarget` comes while its pods still end. */
export function failureOfJob({ kind, status }: Workload): Condition | undefined {
  if (kind !== "Job") return undefined;
  return status?.conditions?.find(
    ({ type, status: is }) => (type === "Failed" || type === "FailureTarget") && is === "True",
  );
}

/** The controller takes pods away that were still at it, and with them what they could tell (`pkg/controller/job`). */
function failedJob(workload: Workload, pods: readonly Pod[]): BelayCondition[] {
  const found = failureOfJob(workload);
  if (found === undefined || pods.length > 0) return [];
  const { reason = "", message = "" } = found;
  return [{ type: "exited", message: [reason, message].filter((text) => text !== "").join(": ") }];
}

/** Nobody but a person pauses a Deployment (`kubectl rollout pause`). */
function pausedByHand(workload: Workload): BelayCondition[] {
  if (workload.spec.paused !== true) return [];
  const title = titleOf({ kind: workload.kind, name: workload.metadata.name });
  const who = lastWriter(workload, ["spec", "paused"]);
  const by = who === undefined ? "" : ` (${who})`;
  const message = `somebody else${by} paused ${title}: its pods stay as they are until \`kubectl rollout resume ${title}\``;
  return [{ type: "engine_paused", message }];
}

/** A quota or an admission rule that forbids the first pod shows on the ReplicaSet only. */
function failedCreate(set: Workload | undefined): BelayCondition[] {
  const found = set?.status?.conditions?.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  return found === undefined ? [] : [translateFailure(found)];
}

/**
 * `progressDeadlineSeconds` is the owner's own word: when nothing explains it better, it counts. The condition outlives its
 * cause for a while, so it must name the ReplicaSet that is wanted (`pkg/controller/deployment/progress.go`).
 */
function gaveUp({ status }: Workload, set: Workload | undefined): BelayCondition[] {
  const found = status?.conditions?.find(
    ({ type, status: is, reason }) => type === "Progressing" && is === "False" && reason === "ProgressDeadlineExceeded",
  );
  if (set === undefined || !found?.message?.includes(`"${set.metadata.name}"`)) return [];
  return [{ type: "start_timeout", message: found.message }];
}

function replicaSetOf(workload: Workload, wanted: string, view: NamespaceView): Workload | undefined {
  const sets = viewIndex.controlledByUid(view, "ReplicaSet", workload.metadata.uid) as readonly Workload[];
  return sets.find(({ spec }) => spec.template !== undefined && observedRevision(spec.template) === wanted);
}

/**
 * Other controllers write no condition, only events, which stay when a later try made the pod. One counts when it came after
 * the workload was last changed and after its newest pod. Times are whole seconds: what failed in the second in which a pod
 * was made is told again by the next try, if it fails too.
 */
function failedByEvents(workload: Workload, pods: readonly Pod[], view: NamespaceView): BelayCondition[] {
  const since = changedAt(workload);
  const made = Math.max(0, ...pods.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? "") || 0));
  return viewIndex
    .eventsOf(view, workload.metadata.uid)
    .filter((event) => event.reason === "FailedCreate" && timeOf(event) >= since && timeOf(event) > made)
    .slice(-1)
    .map(({ message }) =>
      translateFailure({ type: "", status: "True", reason: "FailedCreate", message: message ?? "" }),
    );
}

/** When the spec was last written, as far as the field managers tell; whole seconds, like events. */
function changedAt({ metadata }: KubernetesObject): number {
  const times = (metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource === undefined || subresource === "")
    .map(({ time }) => Date.parse(String(time)) || 0);
  return Math.max(0, ...times);
}

/**
 * Which rule of admission refused a pod, from its words (`plugin/pkg/admission`). The controllers try again, at growing
 * intervals: a pod on its way out frees its part of a quota, and a webhook that could not be called comes back.
 */
function translateFailure({ message = "" }: Condition): BelayCondition {
  return { type: refusalOf(message), message, mayPass: true };
}

function refusalOf(message: string): BelayCondition["type"] {
  if (
    /exceeded quota|failed quota|forbidden: (?:maximum|minimum)|violates PodSecurity|admission webhook/.test(message)
  ) {
    return "quota";
  }
  if (/serviceaccount .*not found|priority ?class .*(?:not found|no PriorityClass)/i.test(message)) {
    return "config_missing";
  }
  return "start_failed";
}
