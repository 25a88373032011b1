import { shareParts } from "@belay/core";
import type { KubernetesObject, ObjectMeta } from "../kubernetes-object.ts";
import type { PodSpec } from "../workload.ts";
import type { ContainerStatus, Pod, Termination } from "./pod.ts";

/**
 * An object as it is kept in memory: of ten thousand pods only what Belay looks at ({@link Pod}), and what it has in common
 * with its earlier version, or with another one of its kin, is in memory once. So a workload whose controller has counted
 * goes on with the pod template that is known, which need not be hashed again. The object must be the caller's own.
 */
export function keptOf(
  object: KubernetesObject,
  before: KubernetesObject | undefined,
  kin: KubernetesObject | undefined,
): KubernetesObject {
  return shareParts(shareParts(slim(object), kin), before);
}

/** Objects with the same one have most in common: they are of one owner, and pods in one state. */
export function kinOf({ kind, metadata, status }: KubernetesObject): string {
  const [owner] = metadata.ownerReferences ?? [];
  const { conditions = [] } = (kind === "Pod" ? (status as Pod["status"]) : undefined) ?? {};
  return `${owner?.uid} ${conditions.find(({ type }) => type === "Ready")?.status}`;
}

function slim(object: KubernetesObject): KubernetesObject {
  if (object.kind === "Pod" && "spec" in object) return slimPod(object as Pod);
  // Who owns its fields is nobody's question, and makes up half of it.
  if (object.kind === "ReplicaSet") return { ...object, metadata: withoutManagers(object.metadata) };
  return object;
}

function slimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  return {
    ...{ apiVersion, kind, metadata: withoutManagers(metadata), spec: slimSpec(spec) },
    ...(status === undefined ? {} : { status: slimStatus(status) }),
  };
}

function withoutManagers({ managedFields, ...rest }: ObjectMeta): ObjectMeta {
  return rest;
}

function slimSpec({ nodeName, restartPolicy, containers, initContainers }: PodSpec): PodSpec {
  return given({
    nodeName,
    restartPolicy,
    containers: containers.map(slimContainer),
    initContainers: initContainers?.map(slimContainer),
  });
}

type Status = NonNullable<Pod["status"]>;

function slimStatus({ conditions, containerStatuses, initContainerStatuses, ...rest }: Status): Status {
  const { phase, reason, message, podIP, hostIP } = rest;
  return given({
    ...{ phase, reason, message, podIP, hostIP },
    conditions: conditions?.map(({ type, status, reason, message }) => given({ type, status, reason, message })),
    containerStatuses: containerStatuses?.map(slimContainerStatus),
    initContainerStatuses: initContainerStatuses?.map(slimContainerStatus),
  });
}

function slimContainerStatus(status: ContainerStatus): ContainerStatus {
  const { name, ready, restartCount, imageID, state, lastState } = status;
  return given({ name, ready, restartCount, imageID, state: slimState(state), lastState: slimState(lastState) });
}

type State = ContainerStatus["state"];

function slimState(state: State): State {
  return state?.terminated === undefined ? state : { ...state, terminated: slimTermination(state.terminated) };
}

function slimTermination({ exitCode, reason, message, startedAt, finishedAt }: Termination): Termination {
  return given({ exitCode, reason, message, startedAt, finishedAt });
}

type Container = PodSpec["containers"][number];

function slimContainer(container: Container): Container {
  const { name, image, restartPolicy, readinessProbe, livenessProbe, startupProbe } = container;
  return given({ name, image, restartPolicy, readinessProbe, livenessProbe, startupProbe });
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without what is not there. */
function given<T extends object>(value: T): Given<T> {
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) if (inner !== undefined) result[key] = inner;
  return result as Given<T>;
}
