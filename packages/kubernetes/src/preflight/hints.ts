import { type Finding, isBelayError } from "@belay/core";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import type { PlannedObject } from "../plan-detail.ts";
import { templateOf } from "../workload.ts";

/** A quota on pods that is used up: a rollout needs room for one more pod unless it may stop an old one first. */
export async function quotaHints(api: KubernetesApi, signal: AbortSignal): Promise<Finding[]> {
  const quotas = await listIfAllowed(api, "v1", "ResourceQuota", signal);
  return quotas.flatMap((quota): Finding[] => {
    const { hard = {}, used = {} } = (quota.status ?? {}) as { hard?: Quantities; used?: Quantities };
    const full = ["pods", "count/pods"].filter(
      (name) => hard[name] !== undefined && Number(used[name]) >= Number(hard[name]),
    );
    if (full.length === 0) return [];
    const message = `the quota ${quota.metadata.name} allows no more pods than there are`;
    const remedy = "Raise it, or set `maxSurge: 0` so that an old pod goes first.";
    return [{ level: "warn", check: "quota", message, remedy }];
  });
}

type Quantities = Readonly<Record<string, string>>;

/** A disruption budget does not slow a rollout down, but a node that is drained meanwhile waits for it. */
export async function budgetHints(
  api: KubernetesApi,
  touched: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const budgets = await listIfAllowed(api, "policy/v1", "PodDisruptionBudget", signal);
  return budgets.flatMap((budget): Finding[] => {
    const { disruptionsAllowed } = (budget.status ?? {}) as { disruptionsAllowed?: number };
    const selector = (budget.spec as { selector?: { matchLabels?: Quantities } } | undefined)?.selector?.matchLabels;
    if (disruptionsAllowed !== 0 || selector === undefined) return [];
    const own = touched.find(({ live }) => live !== undefined && matches(selector, live));
    if (own === undefined) return [];
    const service = own.desired.service === undefined ? {} : { service: own.desired.service };
    const message = `the disruption budget ${budget.metadata.name} allows no pod to be away now: a node that is drained during the deployment would wait`;
    return [{ level: "warn", check: "disruption_budget", ...service, message }];
  });
}

/** Workloads that an autoscaler scales, with its `minReplicas`: the number may fall to it at any moment. */
export async function autoscalerFloors(api: KubernetesApi, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const scalers = await listIfAllowed(api, "autoscaling/v2", "HorizontalPodAutoscaler", signal);
  return new Map(
    scalers.map(({ spec }) => {
      const { scaleTargetRef, minReplicas = 1 } = spec as {
        scaleTargetRef: { kind: string; name: string };
        minReplicas?: number;
      };
      return [titleOf(scaleTargetRef), minReplicas];
    }),
  );
}

function matches(selector: Quantities, workload: KubernetesObject): boolean {
  const labels = templateOf(workload)?.metadata?.labels ?? {};
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** A hint is not worth a permission. */
async function listIfAllowed(
  api: KubernetesApi,
  apiVersion: string,
  kind: string,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  try {
    return (await api.list(apiVersion, kind, { signal })).items;
  } catch (error) {
    if (isBelayError(error, "ENGINE_FORBIDDEN", "ENGINE_ERROR")) return [];
    throw error;
  }
}
