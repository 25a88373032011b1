import type { KubernetesObject } from "./kubernetes-object.ts";

/** A container as far as Belay looks at it. */
export interface PodContainer {
  name: string;
  image?: string;
  [key: string]: unknown;
}

/** Where pods come from, in whatever object: what Belay looks at; the rest stays as it is. */
export interface PodSpec {
  containers?: PodContainer[];
  initContainers?: PodContainer[];
  volumes?: Record<string, unknown>[];
  [key: string]: unknown;
}

/** Path of the pod's spec inside an object of each kind that makes pods. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

/** The spec of the pods that an object makes: the very part of it, not a copy. `undefined` for objects without pods. */
export function podSpecOf(object: KubernetesObject): PodSpec | undefined {
  const path = PATHS[object.kind];
  if (path === undefined) return undefined;
  let value: unknown = object;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return typeof value === "object" && value !== null ? (value as PodSpec) : undefined;
}

/** Its containers, those that run first at the end. */
export function containersOf(spec: PodSpec | undefined): readonly PodContainer[] {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
}
