import type { Finding } from "@belay/core";
import { isStatus } from "../api/api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, keyOf, titleOf } from "../kubernetes-object.ts";
import type { Manifest } from "./manifest.ts";

const AUTOSCALER = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" } as const;

/**
 * Takes `spec.replicas` out where an autoscaler owns it: one of the manifests, or one that the namespace has already.
 * Writing it would throw the autoscaler's count away with each deployment.
 */
export async function leaveReplicas(
  api: KubernetesApi,
  given: readonly Manifest[],
  signal?: AbortSignal,
): Promise<{ readonly manifests: readonly Manifest[]; readonly findings: readonly Finding[] }> {
  const scaled = new Map<string, string>();
  const findings: Finding[] = [];
  for (const autoscaler of [...(await liveAutoscalers(api, findings, signal)), ...given.map(({ body }) => body)]) {
    const target = targetOf(autoscaler);
    if (target !== undefined) scaled.set(target, titleOf(keyOf(autoscaler)));
  }
  const manifests = given.map((manifest): Manifest => {
    const { body } = manifest;
    const by = scaled.get(titleOf(keyOf(body)));
    const spec = body.spec as { replicas?: unknown } | undefined;
    if (by === undefined || spec?.replicas === undefined) return manifest;
    findings.push({
      level: "warn",
      check: "autoscaled",
      message: `${titleOf(keyOf(body))}: \`replicas\` of the manifests is left aside, because ${by} owns the number.`,
      remedy: "Take `replicas` out of the manifest.",
    });
    const { replicas, ...rest } = spec;
    return { ...manifest, body: { ...body, spec: rest } };
  });
  return { manifests, findings };
}

function targetOf({ kind, spec }: KubernetesObject): string | undefined {
  const target = (spec as { scaleTargetRef?: { kind?: string; name?: string } } | undefined)?.scaleTargetRef;
  if (kind !== AUTOSCALER.kind || target?.kind === undefined || target.name === undefined) return undefined;
  return titleOf({ kind: target.kind, name: target.name });
}

async function liveAutoscalers(
  api: KubernetesApi,
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<readonly KubernetesObject[]> {
  try {
    const { apiVersion, kind } = AUTOSCALER;
    return (await api.list(apiVersion, kind, signal === undefined ? {} : { signal })).items;
  } catch (error) {
    if (!isStatus(error, 403, 404)) throw error;
    if (error.status === 404) return [];
    findings.push({
      level: "cannot tell",
      check: "autoscaled",
      message:
        "the user of the kubeconfig may not list horizontalpodautoscalers: whether one owns `replicas` is not known",
      remedy: "Give it the Role that docs/kubernetes.md shows.",
    });
    return [];
  }
}
