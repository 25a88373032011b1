import { keyOf, titleOf } from "../kubernetes-object.ts";
import { podSpecOf } from "../pod-spec.ts";
import type { Manifest } from "./manifest.ts";

interface Claims {
  readonly replicas?: unknown;
  readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
}

/** What no way back brings back, by name: contents of volumes and of nodes' folders. */
export function notCoveredBy(manifests: readonly Manifest[]): readonly string[] {
  const found = manifests.flatMap(({ body }) => {
    const title = titleOf(keyOf(body));
    const volumes = podSpecOf(body)?.volumes ?? [];
    const claims = volumes.flatMap(({ persistentVolumeClaim }) => text(persistentVolumeClaim, "claimName"));
    const folders = volumes.flatMap(({ hostPath }) => text(hostPath, "path"));
    const { volumeClaimTemplates = [] } = (body.spec ?? {}) as Claims;
    const templates = body.kind === "StatefulSet" ? volumeClaimTemplates : [];
    return [
      ...(body.kind === "PersistentVolumeClaim" ? [`the persistent volume claim ${body.metadata.name}`] : []),
      ...claims.map((name) => `the persistent volume claim ${name}`),
      ...templates.map(({ metadata }) => `the persistent volume claims ${metadata?.name}-${body.metadata.name}-*`),
      ...folders.map((path) => `the folder ${path} of the node (${title})`),
    ];
  });
  return [...new Set(found)];
}

function text(value: unknown, key: string): string[] {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof found === "string" ? [found] : [];
}
