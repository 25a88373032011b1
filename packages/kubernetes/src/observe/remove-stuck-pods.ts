import type { ObjectKey } from "../kubernetes-object.ts";
import type { TargetState } from "../target-state.ts";
import type { Condition } from "../workload.ts";
import { neededKinds } from "./namespace-watch.ts";
import type { ContainerStatus, Pod } from "./pod.ts";
import { findWorkload, podsOf, revisionOfPod } from "./translate-service.ts";

export interface StuckTerms {
  /** Of the pods that are to stay. */
  readonly revision: string;
  /**
   * How long a pod may take to become ready: one that comes up, or catches up after its node was started anew, is left to the
   * controller, which waits for it. Without it no pod of another revision is worth waiting for.
   */
  readonly startMs?: number;
}

/**
 * A StatefulSet waits for a pod that never becomes ready before it touches the next one, even when that pod is of the
 * revision that is to go ("Forced rollback" in the documentation of StatefulSets): it is removed, and comes back right.
 */
export async function removeStuckPods(
  state: TargetState,
  key: ObjectKey,
  { revision, startMs }: StuckTerms,
  signal: AbortSignal,
): Promise<void> {
  const view = await state.watch.read(neededKinds([key.kind]), signal);
  const workload = findWorkload(key, view);
  for (const pod of podsOf(key, view)) {
    const { name, uid, deletionTimestamp } = pod.metadata;
    if (readiness(pod)?.status === "True" || deletionTimestamp) continue;
    if (revisionOfPod(pod, key, workload, view) === revision) continue;
    if (startMs !== undefined && !(await isStuck(state, pod, startMs, signal))) {
      state.options.log.info(`the pod ${name} is not ready yet, and may become so: it is waited for`);
      continue;
    }
    await removePod(state, { name, ...(uid === undefined ? {} : { uid }) }, signal);
  }
}

/** Only this very pod, not one that has come under its name since. */
export async function removePod(
  { api, options: { log } }: Pick<TargetState, "api" | "options">,
  { name, uid }: { readonly name: string; readonly uid?: string },
  signal: AbortSignal,
): Promise<void> {
  log.info(`removing the pod ${name}, which is not ready and of another revision: it comes back right`);
  await api.remove({ apiVersion: "v1", kind: "Pod", name }, { signal, ...(uid === undefined ? {} : { uid }) });
}

/** What a container waits for that comes up. */
const COMING: readonly string[] = ["ContainerCreating", "PodInitializing"];

/** Whether a pod shows that it does not become ready by itself, or had all the time for it that it may take. */
async function isStuck({ api }: TargetState, pod: Pod, startMs: number, signal: AbortSignal): Promise<boolean> {
  const shown = statusesOf(pod);
  const isScheduled = pod.spec.nodeName !== undefined;
  if (!isScheduled || shown.some(isBroken)) return true;
  // The pods of the watch have no such times (see `kept-object.ts`), and few come here.
  const fieldSelector = `metadata.name=${pod.metadata.name}`;
  const [now] = (await api.list("v1", "Pod", { fieldSelector, signal })).items as readonly Pod[];
  if (now === undefined || now.metadata.uid !== pod.metadata.uid) return false;
  const since = Date.parse(readiness(now)?.lastTransitionTime ?? now.metadata.creationTimestamp ?? "") || 0;
  // One that ended while it was unready already goes round in circles. Times are whole seconds.
  return api.now() - since >= startMs || shown.some((one) => endedAt(one) > since + SECOND_MS);
}

const SECOND_MS = 1_000;

function statusesOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** Whether one of its containers has ended badly, or does not come up. */
export function isBrokenPod(pod: Pod): boolean {
  return statusesOf(pod).some(isBroken);
}

function isBroken({ state }: ContainerStatus): boolean {
  const { waiting, terminated } = state ?? {};
  if (terminated !== undefined) return terminated.exitCode !== 0;
  return waiting?.reason !== undefined && !COMING.includes(waiting.reason);
}

function endedAt({ lastState }: ContainerStatus): number {
  return Date.parse(lastState?.terminated?.finishedAt ?? "") || 0;
}

function readiness({ status }: Pod): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready");
}
