import { type Finding, type Scope, scopeHash } from "@belay/core";
import { ApiError, isStatus } from "../api/api-error.ts";
import type { DesiredObject } from "../desired.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, keyOf, type ObjectKey } from "../kubernetes-object.ts";
import { COPY_OF, FIELD_MANAGER, KUBERNETES_LABELS } from "../marks.ts";
import { podSpecOf } from "../pod-spec.ts";
import { isKindMissing } from "./conflicts.ts";
import { isKept } from "./kept-kinds.ts";

/** How many copies of one ConfigMap or Secret stay: as many as there are deployments that can be gone back to. */
export const KEPT_COPIES = 20;

/** Kinds that are looked through besides those of the manifests: what an application usually is made of. */
const USUAL_KINDS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ["v1", "ConfigMap"],
  ["v1", "Secret"],
  ["v1", "Service"],
  ["v1", "ServiceAccount"],
  ["apps/v1", "Deployment"],
  ["apps/v1", "StatefulSet"],
  ["apps/v1", "DaemonSet"],
  ["batch/v1", "Job"],
  ["batch/v1", "CronJob"],
  ["networking.k8s.io/v1", "Ingress"],
  ["networking.k8s.io/v1", "NetworkPolicy"],
  ["autoscaling/v2", "HorizontalPodAutoscaler"],
  ["policy/v1", "PodDisruptionBudget"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
];

/**
 * Objects of this scope that Belay has applied and that the manifests no longer have. Copies with a hash in their name stay
 * while a template that exists names them, and the newest twenty of each, so that every kept release finds its own. Of a kind
 * that the user may not list, nothing is found.
 */
export async function findLeftovers(
  api: KubernetesApi,
  scope: Scope,
  desired: readonly DesiredObject[],
  signal?: AbortSignal,
): Promise<{ readonly prune: readonly ObjectKey[]; readonly findings: readonly Finding[] }> {
  const own = desired
    .filter(({ namespace }) => namespace !== undefined)
    .map(({ apiVersion, kind }) => [apiVersion, kind] as const);
  const kinds = new Map([...USUAL_KINDS, ...own].map((one) => [one.join(" "), one]));
  const labelSelector = `${KUBERNETES_LABELS.scope}=${scopeHash(scope)},!${KUBERNETES_LABELS.record}`;
  const forbidden = new Set<string>();
  const lists = await Promise.all(
    [...kinds.values()].map(([apiVersion, kind]) =>
      listAllowed(api, { apiVersion, kind, labelSelector, onForbidden: () => forbidden.add(kind) }, signal),
    ),
  );
  const wanted = new Set(desired.map(idOf));
  const ours = lists.flat().filter((object) => isOurs(object) && !wanted.has(idOf(keyOf(object))));
  const copies = ours.filter((object) => copyName(object) !== undefined);
  const named = copies.length === 0 ? new Set<string>() : await namesInTemplates(api, signal);
  const kept = new Set(keptCopies(copies, named));
  const unseen = [...new Set(own.map(([, kind]) => kind))].filter((kind) => forbidden.has(kind) && !isKept(kind));
  return { prune: ours.filter((object) => !kept.has(object)).map(keyOf), findings: unseen.map(cannotLook) };
}

function cannotLook(kind: string): Finding {
  return {
    level: "cannot tell",
    check: "leftovers_unknown",
    message: `the user of the kubeconfig may not list objects of the kind ${kind}: what the manifests no longer have of it is not found, and stays`,
    remedy: "Give it the Role that docs/kubernetes.md shows.",
  };
}

function idOf({ apiVersion, kind, name }: ObjectKey): string {
  return `${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""} ${kind} ${name}`;
}

interface Listing {
  readonly apiVersion: string;
  readonly kind: string;
  readonly labelSelector?: string;
  readonly onForbidden?: () => void;
}

async function listAllowed(
  api: KubernetesApi,
  { apiVersion, kind, labelSelector, onForbidden }: Listing,
  signal: AbortSignal | undefined,
): Promise<readonly KubernetesObject[]> {
  try {
    const options = { ...(labelSelector && { labelSelector }), ...(signal && { signal }) };
    const { items } = await api.list(apiVersion, kind, options);
    return items.map((item) => ({ ...item, apiVersion, kind }));
  } catch (error) {
    const isNone = error instanceof ApiError ? [403, 404].includes(error.status) : isKindMissing(error);
    if (!isNone) throw error;
    if (isStatus(error, 403)) onForbidden?.();
    return [];
  }
}

/** What Belay applied: not what it only patched, and nothing that a controller copied the labels to. */
function isOurs({ kind, metadata }: KubernetesObject): boolean {
  const { managedFields = [], ownerReferences = [], deletionTimestamp } = metadata;
  if (isKept(kind) || ownerReferences.some(({ controller }) => controller) || deletionTimestamp) return false;
  return managedFields.some(({ manager, operation }) => manager === FIELD_MANAGER && operation === "Apply");
}

function copyName({ kind, metadata }: KubernetesObject): string | undefined {
  const name = metadata.annotations?.[COPY_OF];
  return name === undefined || kind === "Job" ? undefined : `${kind}/${name}`;
}

function keptCopies(copies: readonly KubernetesObject[], named: ReadonlySet<string>): readonly KubernetesObject[] {
  const newest = [...copies].sort((a, b) => createdAt(b) - createdAt(a));
  const counts = new Map<string, number>();
  return newest.filter((copy) => {
    const name = copyName(copy) ?? "";
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count <= KEPT_COPIES || named.has(`${copy.kind}/${copy.metadata.name}`);
  });
}

function createdAt({ metadata }: KubernetesObject): number {
  return Date.parse(metadata.creationTimestamp ?? "") || 0;
}

/** `Kind/name` of all that pods of any template of the namespace may read: the workloads', and the history that the engine keeps. */
async function namesInTemplates(api: KubernetesApi, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
  const kinds = [
    ["apps/v1", "ReplicaSet"],
    ["apps/v1", "StatefulSet"],
    ["apps/v1", "DaemonSet"],
    ["batch/v1", "CronJob"],
  ] as const;
  const lists = await Promise.all(kinds.map(([apiVersion, kind]) => listAllowed(api, { apiVersion, kind }, signal)));
  const names = new Set<string>();
  for (const object of lists.flat()) {
    for (const [, name] of JSON.stringify(podSpecOf(object) ?? {}).matchAll(/"(?:name|secretName)":"([^"]+)"/g)) {
      names.add(`ConfigMap/${name}`);
      names.add(`Secret/${name}`);
    }
  }
  return names;
}
