import type { Finding } from "@belay/core";
import { isStatus } from "../api/api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import { isTouched, type PlanContents, type PlannedObject } from "../plan-detail.ts";

const RELEASE = "meta.helm.sh/release-name";
const NAMESPACE = "meta.helm.sh/release-namespace";
/** What Helm lets be a release's name, and a label's value may be (`pkg/chartutil/validate_name.go`). */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?$/;

/**
 * Helm releases that own a changed object and whose newest revision was begun and never ended: a helm run is under way, or was
 * killed. Helm keeps each revision in a Secret of the namespace and says so in its labels (`pkg/storage/driver/secrets.go`);
 * nothing of the content is read. Asked only where an object belongs to Helm.
 */
export async function helmPending(api: KubernetesApi, plan: PlanContents, signal: AbortSignal): Promise<Finding[]> {
  const owned = Map.groupBy(plan.objects.filter(isTouched), (one) => releaseOf(one, api.namespace) ?? "");
  owned.delete("");
  if (owned.size === 0) return [];
  const newest = await newestRevisions(api, [...owned.keys()], signal);
  return [...owned].flatMap(([release, objects]) => {
    const { status = "", version } = newest.get(release)?.metadata.labels ?? {};
    return status.startsWith("pending-") ? [findingOf(release, { status, version }, objects)] : [];
  });
}

function releaseOf({ live }: PlannedObject, home: string): string | undefined {
  const { [RELEASE]: release, [NAMESPACE]: namespace = home } = live?.metadata.annotations ?? {};
  return release !== undefined && namespace === home && NAME.test(release) ? release : undefined;
}

async function newestRevisions(
  api: KubernetesApi,
  releases: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const newest = new Map<string, KubernetesObject>();
  const labelSelector = `owner=helm,name in (${releases.join(",")})`;
  try {
    const { items } = await api.list("v1", "Secret", { labelSelector, metadataOnly: true, signal });
    for (const one of items) {
      const { name = "" } = one.metadata.labels ?? {};
      if (versionOf(one) > versionOf(newest.get(name))) newest.set(name, one);
    }
  } catch (error) {
    // Without this right the ledger can't be read either, and that is told.
    if (!isStatus(error, 403)) throw error;
  }
  return newest;
}

function versionOf(object: KubernetesObject | undefined): number {
  return Number(object?.metadata.labels?.version ?? 0);
}

function findingOf(
  release: string,
  { status, version }: { readonly status: string; readonly version: string | undefined },
  objects: readonly PlannedObject[],
): Finding {
  const titles = objects.map(({ desired }) => titleOf(desired)).join(", ");
  const service = objects[0]?.desired.service;
  return {
    level: "warn",
    check: "helm_pending",
    ...(service === undefined ? {} : { service }),
    message: `the Helm release ${release}, to which ${titles} belongs, is \`${status}\` (revision ${version}): helm is at work on it just now, or was ended in the middle and left a mixture`,
    remedy: `Wait for it. If nobody is at it, see \`helm history ${release}\`, and go back to the last revision that is \`deployed\` with \`helm rollback\`. Read \`helm get manifest ${release} --revision\` of it first: what it does not hold is deleted, CustomResourceDefinitions with all their objects too.`,
  };
}
