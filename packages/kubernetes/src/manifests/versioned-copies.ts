import { canonicalJson, sha256, shortDigest } from "@belay/core";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { COPY_OF } from "../marks.ts";
import { type PodSpec, podSpecOf } from "../pod-spec.ts";
import type { Manifest } from "./manifest.ts";

/** In the manifests: `"false"` keeps the name of a ConfigMap, Secret or Job, which is then changed in place. */
export const VERSIONED = "belay.dev/versioned";

/** kustomize's own suffix of generated names (kustomize `hasher`: ten digits of an alphabet without look-alikes). */
const KUSTOMIZE_SUFFIX = /-[2456789bcdfghkmt]{10}$/;
/** A Job's name becomes a label of its pods. */
const LONGEST_JOB_NAME = 63;
const HASH_LENGTH = 10;

/**
 * ConfigMaps and Secrets that pods of the manifests read become copies whose names hold a hash of their content, and the pods
 * refer to those. So configuration belongs to a pod template as its image does: a change of it starts a rollout, pods of the
 * old release never read the new one's, and the old template finds its own again. Jobs get such a name, too: a Job can't be
 * changed, and each release runs its own once. What others than pods name is applied under its own name as well.
 */
export function makeVersioned(manifests: readonly Manifest[]): readonly Manifest[] {
  const read = readByPods(manifests);
  const names = copyNames(manifests, read);
  const others = textsElsewhere(manifests);
  const rewritten = manifests.map((manifest) => ({ ...manifest, body: withCopies(manifest.body, names) }));
  return rewritten.flatMap((manifest, index) => {
    const given = manifests[index] ?? manifest;
    const name = names.get(configKey(given.body));
    if (name === undefined) return [read.has(configKey(given.body)) ? generatedCopy(manifest) : versionedJob(manifest)];
    const copy = { ...manifest, body: copyAs(given.body, name) };
    return others.has(given.body.metadata.name) ? [copy, manifest] : [copy];
  });
}

function configKey({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.name}`;
}

/** `Kind/name` of all that pods of the manifests read. */
function readByPods(manifests: readonly Manifest[]): ReadonlySet<string> {
  const read = new Set<string>();
  for (const { body } of manifests) {
    visitReferences(podSpecOf(body), (kind, name) => {
      read.add(`${kind}/${name}`);
      return name;
    });
  }
  return read;
}

/** Names of the copies by `Kind/name`, of those that pods read. */
function copyNames(manifests: readonly Manifest[], read: ReadonlySet<string>): ReadonlyMap<string, string> {
  return new Map(
    manifests
      .filter((manifest) => read.has(configKey(manifest.body)) && isVersionable(manifest))
      .map(({ body }) => [configKey(body), `${body.metadata.name}-${contentHash(contentOf(body))}`]),
  );
}

function isVersionable(manifest: Manifest): boolean {
  const { body } = manifest;
  if (body.kind !== "ConfigMap" && body.kind !== "Secret") return false;
  if (keepsName(body) || body.type === "kubernetes.io/service-account-token") return false;
  return !isGenerated(manifest);
}

function keepsName({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.[VERSIONED] === "false";
}

function isGenerated({ body, fromKustomize }: Manifest): boolean {
  return fromKustomize && KUSTOMIZE_SUFFIX.test(body.metadata.name);
}

function contentOf({ metadata, ...content }: KubernetesObject): unknown {
  return content;
}

function contentHash(content: unknown): string {
  return shortDigest(sha256(canonicalJson(content)), HASH_LENGTH);
}

function copyAs(body: KubernetesObject, name: string): KubernetesObject {
  const annotations = { ...body.metadata.annotations, [COPY_OF]: body.metadata.name };
  return { ...body, metadata: { ...body.metadata, name, annotations }, immutable: true };
}

/** What kustomize generated is a copy already, and stays as long as one: the earlier pod templates name it. */
function generatedCopy(manifest: Manifest): Manifest {
  const { body } = manifest;
  if (!isGenerated(manifest) || keepsName(body)) return manifest;
  const annotations = { ...body.metadata.annotations, [COPY_OF]: body.metadata.name.replace(KUSTOMIZE_SUFFIX, "") };
  return { ...manifest, body: { ...body, metadata: { ...body.metadata, annotations } } };
}

function versionedJob(manifest: Manifest): Manifest {
  const { body } = manifest;
  if (body.kind !== "Job" || keepsName(body)) return manifest;
  const base = body.metadata.name.slice(0, LONGEST_JOB_NAME - HASH_LENGTH - 1).replace(/[-.]+$/, "");
  const annotations = { ...body.metadata.annotations, [COPY_OF]: body.metadata.name };
  const name = `${base}-${contentHash(body.spec)}`;
  return { ...manifest, body: { ...body, metadata: { ...body.metadata, name, annotations } } };
}

function withCopies(given: KubernetesObject, names: ReadonlyMap<string, string>): KubernetesObject {
  if (podSpecOf(given) === undefined) return given;
  const body = structuredClone(given);
  visitReferences(podSpecOf(body), (kind, name) => names.get(`${kind}/${name}`) ?? name);
  return body;
}

type Rename = (kind: "ConfigMap" | "Secret", name: string) => string;
type Json = Record<string, unknown>;

/** Every place of a pod's spec that names a ConfigMap or a Secret (API reference, PodSpec). */
function visitReferences(spec: PodSpec | undefined, rename: Rename): void {
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    for (const from of list(container.envFrom)) renameRefs(from, rename);
    for (const { valueFrom } of list(container.env)) renameKeyRefs(valueFrom, rename);
  }
  for (const volume of spec?.volumes ?? []) {
    renameAt(volume.configMap, "name", "ConfigMap", rename);
    renameAt(volume.secret, "secretName", "Secret", rename);
    for (const source of list(mapping(volume.projected)?.sources)) {
      renameAt(source.configMap, "name", "ConfigMap", rename);
      renameAt(source.secret, "name", "Secret", rename);
    }
  }
  for (const pullSecret of list(spec?.imagePullSecrets)) renameAt(pullSecret, "name", "Secret", rename);
}

function renameRefs(from: Json, rename: Rename): void {
  renameAt(from.configMapRef, "name", "ConfigMap", rename);
  renameAt(from.secretRef, "name", "Secret", rename);
}

function renameKeyRefs(valueFrom: unknown, rename: Rename): void {
  renameAt(mapping(valueFrom)?.configMapKeyRef, "name", "ConfigMap", rename);
  renameAt(mapping(valueFrom)?.secretKeyRef, "name", "Secret", rename);
}

function renameAt(value: unknown, key: string, kind: "ConfigMap" | "Secret", rename: Rename): void {
  const reference = mapping(value);
  const name = reference?.[key];
  if (reference !== undefined && typeof name === "string") reference[key] = rename(kind, name);
}

/** Keys under which objects of any kind name a ConfigMap or a Secret: `tls[].secretName`, `imagePullSecrets[].name`, … */
const NAMING = /secret|configmap|credential|certificate|auth/i;

/** What objects without pods name as their ConfigMaps and Secrets (an Ingress its certificate). */
function textsElsewhere(manifests: readonly Manifest[]): ReadonlySet<string> {
  const texts = new Set<string>();
  const collect = (value: unknown, naming: boolean): void => {
    if (typeof value === "string" && naming) texts.add(value);
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) collect(inner, naming || NAMING.test(key));
  };
  for (const { body } of manifests) {
    if (["ConfigMap", "Secret"].includes(body.kind) || podSpecOf(body) !== undefined) continue;
    collect({ ...body, metadata: undefined, apiVersion: undefined, kind: undefined }, false);
  }
  return texts;
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((item): item is Json => mapping(item) !== undefined) : [];
}

function mapping(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
