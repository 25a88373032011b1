import type { Manifest } from "./manifest.ts";

/** What others need comes first; what leads traffic to pods comes after them. Kinds that are not here come in between. */
const BEFORE = [
  "Namespace",
  "CustomResourceDefinition",
  "PriorityClass",
  "StorageClass",
  "ResourceQuota",
  "LimitRange",
  "ServiceAccount",
  "ClusterRole",
  "ClusterRoleBinding",
  "Role",
  "RoleBinding",
  "NetworkPolicy",
  "Secret",
  "ConfigMap",
  "PersistentVolume",
  "PersistentVolumeClaim",
];
const WORKLOADS = ["Job", "StatefulSet", "DaemonSet", "Deployment", "CronJob", "Pod", "ReplicaSet"];
const AFTER = ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress"];

/** In the order in which they are changed; the user's own order where the kind is the same. */
export function inChangeOrder(manifests: readonly Manifest[]): readonly Manifest[] {
  return [...manifests].sort((a, b) => rank(a.body.kind) - rank(b.body.kind));
}

function rank(kind: string): number {
  const [before, workload, after] = [BEFORE.indexOf(kind), WORKLOADS.indexOf(kind), AFTER.indexOf(kind)];
  if (before >= 0) return before;
  if (workload >= 0) return 200 + workload;
  return after >= 0 ? 300 + after : 100;
}
