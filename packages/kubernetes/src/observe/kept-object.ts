import { perObject } from "@belay/core";
import type { KubernetesObject, ObjectMeta } from "../kubernetes-object.ts";
import type { PodTemplate, Workload } from "../workload.ts";
import type { ContainerStatus, Pod } from "./pod.ts";

/**
 * An object as it is kept in memory. Of ten thousand pods only what Belay looks at ({@link Pod}), which is a quarter of
 * them; and a workload whose controller has counted goes on with the pod template that is known, which need not be hashed
 * again.
 */
export function keptOf(object: KubernetesObject, before: KubernetesObject | undefined): KubernetesObject {
  if (object.kind === "Pod" && "spec" in object) return slimPod(object as Pod);
  const { kind, metadata } = object;
  // Who owns its fields is nobody's question, and makes up half of it.
  if (kind === "ReplicaSet") return withKnownTemplate({ ...object, metadata: withoutManagers(metadata) }, before);
  return withKnownTemplate(object, before);
}

function withKnownTemplate(object: KubernetesObject, before: KubernetesObject | undefined): KubernetesObject {
  const { spec } = object as Partial<Workload>;
  const known = (before as Partial<Workload> | undefined)?.spec?.template;
  if (spec?.template === undefined || known === undefined || textOf(known) !== textOf(spec.template)) return object;
  return { ...object, spec: { ...spec, template: known } };
}

const textOf = perObject((template: PodTemplate) => JSON.stringify(template));

function slimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { nodeName, containers, initContainers } = spec;
  return {
    apiVersion,
    kind,
    metadata: withoutManagers(metadata),
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      containers: containers.map(slimContainer),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(slimContainer) }),
    },
    ...(status === undefined ? {} : { status: slimStatus(status) }),
  };
}

function withoutManagers({ managedFields, ...rest }: ObjectMeta): ObjectMeta {
  return rest;
}

type Status = NonNullable<Pod["status"]>;

function slimStatus(status: Status): Status {
  const { phase, reason, message, podIP, hostIP, conditions, containerStatuses, initContainerStatuses } = status;
  return given({
    ...{ phase, reason, message, podIP, hostIP },
    conditions: conditions?.map((one) =>
      given({ type: one.type, status: one.status, reason: one.reason, message: one.message }),
    ),
    containerStatuses: containerStatuses?.map(slimContainerStatus),
    initContainerStatuses: initContainerStatuses?.map(slimContainerStatus),
  }) as Status;
}

function slimContainerStatus({
  name,
  ready,
  restartCount,
  imageID,
  state,
  lastState,
}: ContainerStatus): ContainerStatus {
  return given({ name, ready, restartCount, imageID, state, lastState }) as ContainerStatus;
}

/** Without what is not there. */
function given<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Partial<T>;
}

type Container = Pod["spec"]["containers"][number];

function slimContainer({
  name,
  image,
  restartPolicy,
  readinessProbe,
  livenessProbe,
  startupProbe,
}: Container): Container {
  return given({ name, image, restartPolicy, readinessProbe, livenessProbe, startupProbe }) as Container;
}
