import { type DeploymentContext, type Execution, type ExecutionStage, mapBounded, type Wanted } from "@belay/core";
import { titleOf } from "./kubernetes-object.ts";
import { AT_ONCE } from "./make-plan.ts";
import { deploymentOf, restorationMarks } from "./marks.ts";
import { digestsIn } from "./observe/translate-pod.ts";
import { removeStuckPods } from "./remove-stuck-pods.ts";
import type { Snapshot, SnapshotObject } from "./snapshot.ts";
import type { TargetState } from "./target-state.ts";
import { desiredOf, goalOf, imagesOf, isWorkload, isWorkloadKind, revisionOf, templateOf } from "./workload.ts";

/**
 * The way back: every object by the verb that changed it, in reverse order, whatever is there now. What did not exist before
 * is removed, what was removed comes back. It does not matter where a deployment or an earlier restoration died.
 */
export async function planRestoration(
  state: TargetState,
  snapshot: Snapshot,
  context: DeploymentContext,
): Promise<Execution> {
  const objects = snapshot.objects.filter(comesBack);
  for (const { service, key } of objects) if (service !== undefined) state.remember(service, key);
  const workloads = objects.filter(({ service }) => service !== undefined);
  const wanted = await mapBounded(workloads, AT_ONCE, undefined, (one) => wantedOf(state, one));
  const restore: ExecutionStage = {
    name: "restore",
    act: (signal) => restoreAll(state, snapshot, objects, wanted, context, signal),
    expect: "alone",
    stable: true,
  };
  return { wanted, stages: [restore] };
}

/** A Job that ran is not run again. */
function comesBack({ key, pruned }: SnapshotObject): boolean {
  return !(pruned === true && key.kind === "Job");
}

async function wantedOf(state: TargetState, saved: SnapshotObject): Promise<Wanted> {
  const { service = "", key, verb, was } = saved;
  const goal = goalOf(key.kind);
  if (was === undefined) return { service, goal: "run", desired: 0, revision: "none", digests: [] };
  const live = await state.api.get(key);
  const object = await state.verb(verb).previewRestore(saved, undefined, live);
  const template = templateOf(object);
  if (template === undefined) return { service, goal, desired: 0, revision: "none", digests: [] };
  const before = saved.desired ?? (isWorkload(was) ? desiredOf(was) : 0);
  const images = Object.values(imagesOf(template));
  return {
    service,
    goal,
    // A scale that somebody or an autoscaler changed meanwhile is kept.
    desired: live !== undefined && isWorkload(live) ? desiredOf(live) : before,
    revision: revisionOf(template),
    digests: [...new Set(images.flatMap(digestsIn))],
  };
}

async function restoreAll(
  state: TargetState,
  snapshot: Snapshot,
  objects: readonly SnapshotObject[],
  wanted: readonly Wanted[],
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  for (const saved of objects.toReversed()) {
    if (saved.was === undefined) await removeCreated(state, snapshot, saved, signal);
    else await restoreOne(state, saved, context, signal);
  }
  for (const { key, service } of objects) {
    const revision = wanted.find((one) => one.service === service)?.revision;
    if (key.kind === "StatefulSet" && revision !== undefined) await removeStuckPods(state, key, revision, signal);
  }
}

async function restoreOne(
  state: TargetState,
  saved: SnapshotObject,
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  const { log } = state.options;
  const live = await state.api.get(saved.key, signal);
  const template = live && templateOf(live);
  const before = saved.was && templateOf(saved.was);
  const known = [saved.becomes, before && revisionOf(before)];
  if (template !== undefined && !known.includes(revisionOf(template))) {
    const fate = saved.verb === "patch-image" ? "that is undone too" : "what is not Belay's of it stays";
    log.warn(`${titleOf(saved.key)} was changed by somebody else meanwhile: ${fate}`);
  }
  const object = await state.verb(saved.verb).restore(saved, restorationMarks(context.deployment), signal, live);
  state.watch.expect(object);
  log.info(`put ${titleOf(saved.key)} back`);
}

/** What this deployment created, recognised by its labels; what holds data stays. */
async function removeCreated(
  state: TargetState,
  snapshot: Snapshot,
  { key }: SnapshotObject,
  signal: AbortSignal,
): Promise<void> {
  const { log, manifests, scope } = state.options;
  const live = await state.api.get(key, signal);
  if (live === undefined || manifests?.isKept(key.kind)) return;
  if ((deploymentOf(live, scope) ?? 0) <= snapshot.labelledDeployment) {
    log.warn(`${titleOf(key)} was made by somebody else meanwhile: it stays`);
    return;
  }
  const { uid } = live.metadata;
  // Pods first: then it is gone when nothing of it is left.
  const propagation = isWorkloadKind(key.kind) ? "Foreground" : "Background";
  await state.api.remove(key, { propagation, signal, ...(uid === undefined ? {} : { uid }) });
  log.info(`removed ${titleOf(key)}`);
}
