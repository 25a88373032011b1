import type { Finding } from "@belay/core";
import { ApiError } from "../api/api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { keyOf, titleOf } from "../kubernetes-object.ts";
import { isKept } from "./kept-kinds.ts";
import type { Manifest } from "./manifest.ts";

export interface PlacedManifests {
  /** Each with the target's namespace, or without one where its kind has none. */
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Finding[];
  /** Each begins with its place. */
  readonly problems: readonly string[];
}

type Scope = "namespaced" | "cluster" | "unknown";

/**
 * Where each object belongs. One environment is one namespace: an object that names another is refused. Objects of the whole
 * cluster are told, and a kind that the API server does not have.
 */
export async function placeObjects(
  api: KubernetesApi,
  given: readonly Manifest[],
  signal?: AbortSignal,
): Promise<PlacedManifests> {
  const versions = [...new Set(given.map(({ body }) => body.apiVersion))];
  const known = new Map(
    await Promise.all(versions.map(async (version) => [version, await readKinds(api, version, signal)] as const)),
  );
  const findings: Finding[] = [];
  const problems: string[] = [];
  const manifests = given.map((manifest): Manifest => {
    const { body, place } = manifest;
    const scope = scopeOf(manifest, known.get(body.apiVersion), given);
    const title = titleOf(keyOf(body));
    const { namespace, ...metadata } = body.metadata;
    if (scope === "cluster") {
      findings.push(clusterWide(title, body.kind));
      return { ...manifest, body: { ...body, metadata } };
    }
    if (scope === "unknown") findings.push(unknownKind(title, body.apiVersion, body.kind));
    if (namespace !== undefined && namespace !== api.namespace) {
      const own = `this environment's is ${api.namespace}`;
      problems.push(
        `${place}: ${title} belongs to the namespace ${namespace}, and ${own}. Give it an environment of its own`,
      );
    }
    return { ...manifest, body: { ...body, metadata: { ...metadata, namespace: api.namespace } } };
  });
  return { manifests, findings, problems: [...problems, ...duplicates(manifests)] };
}

/** Kinds of an API version, and whether their objects have a namespace. `undefined` when that can't be read. */
async function readKinds(
  api: KubernetesApi,
  version: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, boolean> | undefined> {
  const path = version.includes("/") ? `/apis/${version}` : `/api/${version}`;
  const doing = `asking for the kinds of ${version}`;
  try {
    const { resources } = await api.request<{
      resources: readonly { kind: string; name: string; namespaced: boolean }[];
    }>("GET", path, { doing, ...(signal === undefined ? {} : { signal }) });
    return new Map(
      resources.filter(({ name }) => !name.includes("/")).map(({ kind, namespaced }) => [kind, namespaced]),
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return new Map();
    throw error;
  }
}

/** A kind that a CustomResourceDefinition of the same files makes is not known yet. */
function scopeOf({ body }: Manifest, kinds: ReadonlyMap<string, boolean> | undefined, all: readonly Manifest[]): Scope {
  const namespaced = kinds?.get(body.kind) ?? scopeInDefinitions(body.kind, all);
  if (namespaced === undefined) return "unknown";
  return namespaced ? "namespaced" : "cluster";
}

function scopeInDefinitions(kind: string, all: readonly Manifest[]): boolean | undefined {
  for (const { body } of all) {
    const spec = body.spec as { names?: { kind?: unknown }; scope?: unknown } | undefined;
    if (body.kind === "CustomResourceDefinition" && spec?.names?.kind === kind) return spec.scope === "Namespaced";
  }
  return undefined;
}

function duplicates(manifests: readonly Manifest[]): string[] {
  const first = new Map<string, string>();
  return manifests.flatMap(({ body, place }) => {
    const key = `${body.apiVersion.split("/")[0]} ${body.kind} ${body.metadata.name}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, place);
    return other === undefined ? [] : [`${place}: ${titleOf(keyOf(body))} is there already, at ${other}`];
  });
}

function clusterWide(title: string, kind: string): Finding {
  const stays = isKept(kind) ? "It is never removed." : "Leaving it out of the manifests does not remove it.";
  return {
    level: "warn",
    check: "cluster_wide",
    message: `${title} belongs to the whole cluster: other namespaces may depend on it. ${stays}`,
    remedy: "Apply what belongs to the cluster apart from the application.",
  };
}

function unknownKind(title: string, apiVersion: string, kind: string): Finding {
  return {
    level: "refuse",
    check: "kind_unknown",
    message: `${title}: the API server has no ${kind} in ${apiVersion}.`,
    remedy: "Correct `apiVersion` or `kind`, or install the CustomResourceDefinition first.",
  };
}
