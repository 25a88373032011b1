import type { PodSpec } from "../workload.ts";

/** A ConfigMap or Secret without which pods of a template do not start. */
export interface FileReference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  /** Keys that it must have. */
  readonly keys: readonly string[];
}

interface Source {
  readonly name?: string;
  readonly optional?: boolean;
  readonly key?: string;
  readonly items?: readonly { readonly key: string }[];
}

interface EnvironmentVariable {
  readonly valueFrom?: { readonly configMapKeyRef?: Source; readonly secretKeyRef?: Source };
}

interface EnvironmentSource {
  readonly configMapRef?: Source;
  readonly secretRef?: Source;
}

interface Volume {
  readonly configMap?: Source;
  readonly secret?: Source & { readonly secretName?: string };
  readonly projected?: { readonly sources?: readonly Pick<Volume, "configMap" | "secret">[] };
}

type Found = readonly [FileReference["kind"], Source | undefined];

/**
 * What the pods of a template read: variables, whole environments, volumes, each name once with all keys that are asked of
 * it. What is `optional` is left out (API reference, "PodSpec": `configMapKeyRef`, `envFrom`, `projected`).
 */
export function fileReferences(spec: PodSpec): FileReference[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const found = [...containers.flatMap(readByContainer), ...listOf<Volume>(spec.volumes).flatMap(mounted)];
  const byName = new Map<string, FileReference>();
  for (const [kind, source] of found) {
    if (source?.name === undefined || source.optional === true) continue;
    const { name, key, items = [] } = source;
    const before = byName.get(`${kind}/${name}`)?.keys ?? [];
    const keys = [...before, ...(key === undefined ? [] : [key]), ...items.map((item) => item.key)];
    byName.set(`${kind}/${name}`, { kind, name, keys: [...new Set(keys)] });
  }
  return [...byName.values()];
}

function readByContainer(container: PodSpec["containers"][number]): Found[] {
  const variables = listOf<EnvironmentVariable>(container.env).flatMap(({ valueFrom }): Found[] => [
    ["ConfigMap", valueFrom?.configMapKeyRef],
    ["Secret", valueFrom?.secretKeyRef],
  ]);
  const whole = listOf<EnvironmentSource>(container.envFrom).flatMap(({ configMapRef, secretRef }): Found[] => [
    ["ConfigMap", configMapRef],
    ["Secret", secretRef],
  ]);
  return [...variables, ...whole];
}

function mounted({ configMap, secret, projected }: Volume): Found[] {
  const own: Found[] = [
    ["ConfigMap", configMap],
    // A volume names its Secret by another field than everything else does.
    ["Secret", secret?.secretName === undefined ? secret : { ...secret, name: secret.secretName }],
  ];
  return [...own, ...(projected?.sources ?? []).flatMap(mounted)];
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : [];
}
