import {
  type DeploymentContext,
  type Execution,
  type ExecutionStage,
  isBelayError,
  mapBounded,
  messageOf,
  type Wanted,
} from "@belay/core";
import type { SavedObject } from "./desired.ts";
import { type KubernetesObject, titleOf } from "./kubernetes-object.ts";
import { AT_ONCE } from "./make-plan.ts";
import { deploymentOf, restorationMarks } from "./marks.ts";
import { digestsIn } from "./observe/translate-pod.ts";
import { removeObject } from "./remove-object.ts";
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
  state.written.clear();
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
  const { service = "", key, was } = saved;
  const goal = goalOf(key.kind);
  if (was === undefined) return { service, goal: "run", desired: 0, revision: "none", digests: [] };
  const live = await state.api.get(key);
  const object = await previewed(state, saved, was, live);
  const template = templateOf(object);
  if (template === undefined) return { service, goal, desired: 0, revision: "none", digests: [] };
  const before = saved.desired ?? (isWorkload(was) ? desiredOf(was) : 0);
  const images = Object.values(imagesOf(template)).map(digestsIn);
  return {
    service,
    goal,
    // A scale that somebody or an autoscaler changed meanwhile is kept.
    desired: live !== undefined && isWorkload(live) ? desiredOf(live) : before,
    revision: revisionOf(template),
    // Which container's image is read back is not known here: where one of them is not pinned, none tells.
    digests: images.some(({ length }) => length === 0) ? [] : [...new Set(images.flat())],
  };
}

/** What the API server does not let be tried out is taken for what it was: the way back begins all the same. */
async function previewed(
  state: TargetState,
  saved: SnapshotObject,
  was: KubernetesObject,
  live: KubernetesObject | undefined,
): Promise<KubernetesObject> {
  try {
    return await state.verb(saved.verb).previewRestore(saved, undefined, live);
  } catch (error) {
    if (!isBelayError(error, "ENGINE_ERROR", "ENGINE_FORBIDDEN")) throw error;
    state.options.log.warn(`the way back of ${titleOf(saved.key)} could not be tried out: ${messageOf(error)}`);
    return was;
  }
}

async function restoreAll(
  state: TargetState,
  snapshot: Snapshot,
  objects: readonly SnapshotObject[],
  wanted: readonly Wanted[],
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  const errors: unknown[] = [];
  for (const saved of objects.toReversed()) {
    try {
      if (saved.was === undefined) await removeCreated(state, snapshot, saved, context, signal);
      else await restoreOne(state, saved, context, signal);
    } catch (error) {
      // What is refused for good must not keep the rest from coming back.
      if (!isBelayError(error, "ENGINE_ERROR", "ENGINE_FORBIDDEN")) throw error;
      state.options.log.warn(`${titleOf(saved.key)} could not be put back: ${messageOf(error)}`);
      errors.push(error);
    }
  }
  for (const { key, service } of objects) {
    const revision = wanted.find((one) => one.service === service)?.revision;
    if (key.kind !== "StatefulSet" || revision === undefined || state.foreign.has(service ?? "")) continue;
    await removeStuckPods(state, key, revision, signal);
  }
  if (errors.length > 0) throw errors[0];
}

async function restoreOne(
  state: TargetState,
  saved: SnapshotObject,
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  const live = await readStanding(state, saved, signal);
  if (leaves(state, saved, live)) return;
  try {
    const object = await state.verb(saved.verb).restore(saved, restorationMarks(context.deployment), signal, live);
    state.watch.expect(object);
    noteRestored(state, saved, object);
    state.options.log.info(`put ${titleOf(saved.key)} back`);
  } catch (error) {
    // Somebody may have been faster by a moment.
    if (!isBelayError(error, "ENGINE_ERROR")) throw error;
    if (!leaves(state, saved, await state.api.get(saved.key, signal))) throw error;
  }
}

/** An object that somebody removed may stand until its pods are gone (`--cascade=foreground`): what it is given is lost. */
async function readStanding(
  { api, options }: TargetState,
  { key }: SnapshotObject,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  for (let looks = 0; ; looks++) {
    const live = await api.get(key, signal);
    if (!live?.metadata.deletionTimestamp) {
      if (live === undefined) options.log.info(`${titleOf(key)} is gone: it is made again as it was`);
      return live;
    }
    if (looks === 0) options.log.warn(`somebody removes ${titleOf(key)}: its end is waited for`);
    await options.clock.sleep(GOING_MS, signal);
  }
}

/** How often is looked whether an object that is on its way out has gone, in milliseconds. */
const GOING_MS = 500;

/**
 * Whether an object stays as it is: a template that is neither the old one nor the deployment's is a person's, and the way
 * back of an image would replace all of it. The judge is told by the next look. An apply takes back what is Belay's alone.
 */
function leaves(state: TargetState, saved: SnapshotObject, live: KubernetesObject | undefined): boolean {
  const { log } = state.options;
  const { key, verb, service = "" } = saved;
  const template = live && templateOf(live);
  const before = saved.was && templateOf(saved.was);
  const known = [saved.becomes, state.changed.get(service), before && revisionOf(before)];
  const isForeign = template !== undefined && !known.includes(revisionOf(template));
  const stays = isForeign && verb === "patch-image";
  if (isForeign) {
    const fate = stays ? "it is left as it is" : "what is not Belay's of it stays";
    log.warn(`${titleOf(key)} was changed by somebody else since the deployment: ${fate}`);
  }
  if (stays) state.foreign.add(service);
  else state.foreign.delete(service);
  return stays;
}

/** An image that somebody else has taken over meanwhile is still there, so that this is not the old release. */
function noteRestored(state: TargetState, { service, was }: SavedObject, object: KubernetesObject): void {
  const [before, now] = [was && templateOf(was), templateOf(object)];
  if (service === undefined || before === undefined || now === undefined) return;
  state.written.set(service, object);
  const images = imagesOf(now);
  if (Object.entries(imagesOf(before)).some(([name, image]) => images[name] !== image)) state.foreign.add(service);
}

/** What this deployment created, recognised by its labels; what holds data stays. */
async function removeCreated(
  state: TargetState,
  snapshot: Snapshot,
  { key }: SnapshotObject,
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  const { log, manifests, scope, clock } = state.options;
  const live = await state.api.get(key, signal);
  if (live === undefined || manifests?.isKept(key.kind)) return;
  if ((deploymentOf(live, scope) ?? 0) <= snapshot.labelledDeployment) {
    log.warn(`${titleOf(key)} was made by somebody else meanwhile: it stays`);
    return;
  }
  // Pods first: then it is gone when nothing of it is left.
  const propagation = isWorkloadKind(key.kind) ? "Foreground" : "Background";
  const marks = restorationMarks(context.deployment);
  await removeObject(state.api, scope, { key, before: live, marks, propagation, clock }, signal);
  log.info(`removed ${titleOf(key)}`);
}
