import type { ObjectKey } from "../kubernetes-object.ts";

export interface Resource {
  readonly plural: string;
  readonly namespaced: boolean;
}

/** What is used most, so that it need not be asked for. Everything else is found by discovery. */
const KNOWN: Readonly<Record<string, Resource>> = Object.fromEntries(
  [
    ["v1", "Pod", "pods"],
    ["v1", "Secret", "secrets"],
    ["v1", "ConfigMap", "configmaps"],
    ["v1", "Event", "events"],
    ["v1", "Service", "services"],
    ["v1", "ResourceQuota", "resourcequotas"],
    ["apps/v1", "Deployment", "deployments"],
    ["apps/v1", "StatefulSet", "statefulsets"],
    ["apps/v1", "DaemonSet", "daemonsets"],
    ["apps/v1", "ReplicaSet", "replicasets"],
    ["apps/v1", "ControllerRevision", "controllerrevisions"],
    ["batch/v1", "Job", "jobs"],
    ["batch/v1", "CronJob", "cronjobs"],
    ["autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"],
    ["policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"],
  ].map(([apiVersion, kind, plural]) => [`${apiVersion}/${kind}`, { plural: plural ?? "", namespaced: true }]),
);

export function knownResource(apiVersion: string, kind: string): Resource | undefined {
  return KNOWN[`${apiVersion}/${kind}`];
}

/** `/api/v1` or `/apis/apps/v1`. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** `""` for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

/** Path of all objects of a kind in a namespace; of all namespaces when that is "". */
export function collectionPath(apiVersion: string, { plural, namespaced }: Resource, namespace: string): string {
  const place = namespaced && namespace !== "" ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${groupPath(apiVersion)}${place}/${plural}`;
}

export function objectPath(key: ObjectKey, resource: Resource, namespace: string): string {
  const collection = collectionPath(key.apiVersion, resource, key.namespace ?? namespace);
  return `${collection}/${encodeURIComponent(key.name)}`;
}

/** What a discovery document (`APIResourceList`) says of a kind. */
export function resourceIn(list: DiscoveryList, kind: string): Resource | undefined {
  const found = list.resources.find((one) => one.kind === kind && !one.name.includes("/"));
  return found && { plural: found.name, namespaced: found.namespaced };
}

export interface DiscoveryList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}
