import { type ContainerState, type Digest, type Instance, isDigest } from "@belay/core";
import type { PodContainer } from "../workload.ts";
import { type ContainerStatus, type Pod, type PodEvent, type Termination, timeOf, type Waiting } from "./pod.ts";

/** Where a pod belongs. */
export interface PodPlace {
  readonly revision: string;
  /** A pod of a StatefulSet comes back under its name, one of a DaemonSet on its node. */
  readonly slot: string;
  /** A container that ends badly is started again in its pod, as often as the owner of the Job says: that is no crash. */
  readonly triesAgain?: boolean;
}

/** One pod in the judge's words. Pure. `events`: those that speak of this pod. */
export function translatePod(pod: Pod, place: PodPlace, events: readonly PodEvent[]): Instance {
  const { metadata, spec, status } = pod;
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  const ready = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
  const sentAway = isSentAway(pod, events);
  const leaves = metadata.deletionTimestamp || (!ended && sentAway);
  const phase = leaves ? "draining" : ended ? "history" : "current";
  return {
    id: metadata.uid ?? metadata.name,
    title: metadata.name,
    slot: place.slot,
    ...(spec.nodeName === undefined ? {} : { node: spec.nodeName }),
    revision: place.revision,
    phase,
    createdAt: Date.parse(metadata.creationTimestamp ?? "") || 0,
    ...(ended ? { endedBy: sentAway || isEndedByNode(pod) ? "node" : "self" } : {}),
    ready: ready && phase === "current",
    containers: place.triesAgain ? containersOf(pod, events).map(amidTries) : containersOf(pod, events),
  };
}

/** Only the good end of a try counts; after a bad one the next is waited for. */
function amidTries(container: ContainerState): ContainerState {
  const { lastExit, reason, ...rest } = container;
  const good = lastExit?.code === 0 ? { lastExit } : {};
  const told = reason === undefined || reason === "CrashLoopBackOff" ? {} : { reason };
  const isBetween = rest.state === "exited" && lastExit?.code !== 0;
  return { ...rest, ...told, ...good, restarts: 0, ...(isBetween ? { state: "waiting" as const } : {}) };
}

/**
 * The node sends the pod away. The kubelet tells so before it ends the containers, and gives the pod its last phase only
 * when all of them have ended (`pkg/kubelet/eviction`, `pkg/kubelet/status`): in between they must not look like crashes.
 */
function isSentAway({ status }: Pod, events: readonly PodEvent[]): boolean {
  const chosen = status?.conditions?.some(({ type, status: is }) => type === "DisruptionTarget" && is === "True");
  return chosen === true || events.some(({ reason }) => reason === "Evicted" || reason === "Preempting");
}

/**
 * A pod that was evicted or preempted has a reason of its own, except where its containers obeyed and ended with 0: then the
 * kubelet says `Succeeded` and nothing else (`getPhase` in `pkg/kubelet/kubelet_pods.go`; seen when a disk was full). But
 * containers that are always started again never give their pod a last phase.
 */
function isEndedByNode({ spec, status }: Pod): boolean {
  return (status?.reason ?? "") !== "" || spec.restartPolicy === "Always";
}

function containersOf({ spec, status }: Pod, events: readonly PodEvent[]): ContainerState[] {
  const init = (spec.initContainers ?? []).map((container) => {
    const role = container.restartPolicy === "Always" ? "sidecar" : "init";
    return translateContainer(container, role, find(status?.initContainerStatuses, container.name), events);
  });
  const main = spec.containers.map((container) =>
    translateContainer(container, "main", find(status?.containerStatuses, container.name), events),
  );
  return [...init, ...main];
}

function find(statuses: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return statuses?.find((one) => one.name === name);
}

function translateContainer(
  container: PodContainer,
  role: ContainerState["role"],
  status: ContainerStatus | undefined,
  events: readonly PodEvent[],
): ContainerState {
  const { name } = container;
  const { state, lastState } = status ?? {};
  const exit = state?.terminated ?? lastState?.terminated;
  return {
    name,
    role,
    digests: digestsIn(status?.imageID ?? ""),
    state: state?.running ? "running" : state?.terminated ? "exited" : "waiting",
    ...waitOf(state?.waiting),
    restarts: status?.restartCount ?? 0,
    health: healthOf(container, status),
    ...(exit === undefined ? {} : { lastExit: exitOf(exit, killsOf(name, events)) }),
  };
}

/**
 * A kubelet that has not read what the pod names within a second, because it, the API server or the authoriser of nodes is
 * busy, says the same word as one that found it missing (`pkg/kubelet/util/manager`, `makeEnvironmentVariables`). It tries
 * again by itself, so that this is told but not taken for a reason.
 */
const NOT_READ_YET = /failed to sync \S+ cache|services have not yet been read/;

/** The kubelet's words when what a container reads does not exist (`pkg/kubelet/kubelet_pods`, `makeEnvironmentVariables`). */
const NOT_THERE = /^(?:configmap|secret) "[^"]+" not found|^couldn't find key /;

/** Somebody else may make what is missing: a condition tells of it, which counts when it lasts. */
export function isSourceMissing(waiting: Waiting | undefined): boolean {
  return waiting?.reason === "CreateContainerConfigError" && NOT_THERE.test(waiting.message ?? "");
}

function waitOf(waiting: Waiting | undefined): Pick<ContainerState, "reason" | "message"> {
  const { reason, message } = waiting ?? {};
  const told = message === undefined || message === "" ? {} : { message };
  const unread = reason === "CreateContainerConfigError" && NOT_READ_YET.test(message ?? "");
  const passes = unread || isSourceMissing(waiting);
  return reason === undefined || passes ? told : { reason, ...told };
}

/**
 * Never `unhealthy`: a readiness probe that fails before the first success says nothing yet, one that fails after it is seen
 * by the pod's `Ready`, and the other probes kill.
 */
function healthOf(container: PodContainer, status: ContainerStatus | undefined): ContainerState["health"] {
  const { readinessProbe, startupProbe, livenessProbe } = container;
  if (readinessProbe === undefined && startupProbe === undefined && livenessProbe === undefined) return "none";
  return status?.ready === true ? "healthy" : "starting";
}

/** Reasons of a container that never came to run its program (kubelet, containerd's CRI). */
const NOT_STARTED = ["StartError", "ContainerCannotRun", "RunContainerError", "ContainerStatusUnknown"];

function exitOf(exit: Termination, kills: readonly Kill[]): NonNullable<ContainerState["lastExit"]> {
  const { exitCode, reason = "", message = "" } = exit;
  const at = Date.parse(exit.finishedAt ?? "");
  const kill = kills.find((one) => isDuring(one, exit));
  return {
    code: exitCode,
    oomKilled: reason === "OOMKilled",
    ...(NOT_STARTED.includes(reason) && message !== "" ? { error: message } : {}),
    ...(kill === undefined ? {} : { killedBy: kill.by }),
    ...(Number.isNaN(at) ? {} : { at }),
  };
}

export interface Kill {
  readonly by: "startup probe" | "liveness probe";
  readonly at: number;
}

/** The kubelet's words when it ends a container because of a probe (`pkg/kubelet/kuberuntime`, `computePodActions`). */
const KILLED = /^Container (\S+) failed (startup|liveness) probe/;

export function killsOf(container: string, events: readonly PodEvent[]): Kill[] {
  return events.flatMap((event): Kill[] => {
    if (event.reason !== "Killing") return [];
    const [, name, probe] = KILLED.exec(event.message ?? "") ?? [];
    if (name !== container) return [];
    return [{ by: probe === "startup" ? "startup probe" : "liveness probe", at: timeOf(event) }];
  });
}

/** Times have whole seconds, so that one more on each side is the same moment. */
const SECOND_MS = 1_000;

function isDuring({ at }: Kill, { startedAt, finishedAt }: Termination): boolean {
  const from = Date.parse(startedAt ?? "") || 0;
  const to = Date.parse(finishedAt ?? "") || Number.POSITIVE_INFINITY;
  return at >= from - SECOND_MS && at <= to + SECOND_MS;
}

/** `127.0.0.1:5000/shop/web@sha256:…`, `docker-pullable://…@sha256:…`, or a config digest alone. */
export function digestsIn(imageId: string): Digest[] {
  const digest = imageId.slice(imageId.lastIndexOf("@") + 1);
  return isDigest(digest) ? [digest] : [];
}
