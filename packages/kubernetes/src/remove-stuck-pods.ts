import type { ObjectKey } from "./kubernetes-object.ts";
import { neededKinds } from "./observe/namespace-watch.ts";
import { findWorkload, podsOf, revisionOfPod } from "./observe/translate-service.ts";
import type { TargetState } from "./target-state.ts";

/**
 * A StatefulSet waits for a pod that never becomes ready before it touches the next one, even when that pod is of the
 * revision that is to go ("Forced rollback" in the documentation of StatefulSets): it is removed, and comes back right.
 */
export async function removeStuckPods(
  state: TargetState,
  key: ObjectKey,
  revision: string,
  signal: AbortSignal,
): Promise<void> {
  const view = await state.watch.read(neededKinds([key.kind]), signal);
  const workload = findWorkload(key, view);
  for (const pod of podsOf(key, view)) {
    const { name, uid, deletionTimestamp } = pod.metadata;
    const ready = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    if (ready || deletionTimestamp || revisionOfPod(pod, key, workload, view) === revision) continue;
    state.options.log.info(`removing the pod ${name}, which is not ready and of another revision: it comes back right`);
    await state.api.remove({ apiVersion: "v1", kind: "Pod", name }, { signal, ...(uid === undefined ? {} : { uid }) });
  }
}
