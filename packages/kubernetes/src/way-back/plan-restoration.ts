import {
  type DeploymentContext,
  type Execution,
  type ExecutionStage,
  isBelayError,
  mapBounded,
  messageOf,
  type Wanted,
} from "@belay/core";
import { removeObject } from "../change/remove-object.ts";
import type { SavedObject } from "../desired.ts";
import { type KubernetesObject, titleOf } from "../kubernetes-object.ts";
import { deploymentOf, restorationMarks } from "../marks.ts";
import { removeStuckPods } from "../observe/remove-stuck-pods.ts";
import { StuckSince } from "../observe/stuck-since.ts";
import { digestsIn } from "../observe/translate-pod.ts";
import { AT_ONCE } from "../plan/make-plan.ts";
import type { Snapshot, SnapshotObject } from "../snapshot.ts";
import type { TargetState } from "../target-state.ts";
import { desiredOf, goalOf, imagesOf, isWorkload, isWorkloadKind, revisionOf, templateOf } from "../workload.ts";

/**
 * The way back: every object by the verb that changed it, in reverse order, whatever is there now. What did not exist before
 * is removed, what was removed comes back. It does not matter where a deployment or an earlier restoration died.
 */
export async function planRestoration(
  state: TargetState,
  snapshot: Snapshot,
  context: DeploymentContext,
): Promise<Execution> {
  state.beginWay(snapshot);
  const objects = snapshot.objects.filter(comesBack);
  for (const { service, key } of objects) if (service !== undefined) state.remember(service, key);
  const workloads = objects.filter(({ service }) => service !== undefined);
  const wanted = await mapBounded(workloads, AT_ONCE, undefined, (one) => wantedOf(state, one));
  const restore: ExecutionStage = {
    name: "restore",
    act: (signal) => restoreAll({ state, snapshot, context, wanted, errors: [] }, objects, signal),
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

/** What every step of the way back needs. */
interface Way {
  readonly state: TargetState;
  readonly snapshot: Snapshot;
  readonly context: DeploymentContext;
  readonly wanted: readonly Wanted[];
  /** What was refused for good. It must not keep the rest from coming back. */
  readonly errors: unknown[];
}

/** What somebody removes comes last: its end may take any time, and may wait for pods that the rest replaces. */
async function restoreAll(way: Way, objects: readonly SnapshotObject[], signal: AbortSignal): Promise<void> {
  const going: SnapshotObject[] = [];
  for (const saved of objects.toReversed()) {
    if (await putBack(way, saved, signal)) continue;
    way.state.options.log.warn(`somebody removes ${titleOf(saved.key)}: its end is waited for`);
    going.push(saved);
  }
  const standing = objects.filter((one) => !going.includes(one));
  await freeStatefulSets(way, standing, signal);
  await restoreOnceGone(way, going, signal);
  await freeStatefulSets(way, going, signal);
  if (way.errors.length > 0) throw way.errors[0];
}

/**
 * Brings one object back; not (`false`) while it stands only until its pods or a finalizer are gone (`--cascade=foreground`):
 * what it is given then is lost.
 */
async function putBack(way: Way, saved: SnapshotObject, signal: AbortSignal): Promise<boolean> {
  const { state, snapshot, context } = way;
  let isGoing = false;
  await attempt(way, saved, async () => {
    if (saved.was === undefined) return removeCreated(state, snapshot, saved, context, signal);
    const live = await state.api.get(saved.key, signal);
    isGoing = Boolean(live?.metadata.deletionTimestamp);
    if (!isGoing) await restoreOne(way, saved, live, signal);
  });
  return !isGoing;
}

async function attempt({ state, errors }: Way, { key }: SnapshotObject, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isBelayError(error, "ENGINE_ERROR", "ENGINE_FORBIDDEN")) throw error;
    state.options.log.warn(`${titleOf(key)} could not be put back: ${messageOf(error)}`);
    errors.push(error);
  }
}

async function restoreOnceGone(way: Way, going: readonly SnapshotObject[], signal: AbortSignal): Promise<void> {
  for (let waiting = going; waiting.length > 0; ) {
    await way.state.options.clock.sleep(GOING_MS, signal);
    const still = await mapBounded(waiting, AT_ONCE, signal, async (saved, both) => {
      return (await putBack(way, saved, both)) ? [] : [saved];
    });
    waiting = still.flat();
  }
}

/** How often is looked whether objects that are on their way out have gone, in milliseconds. */
const GOING_MS = 500;

async function freeStatefulSets(way: Way, objects: readonly SnapshotObject[], signal: AbortSignal): Promise<void> {
  const { state, wanted } = way;
  for (const saved of objects) {
    const { key, service = "" } = saved;
    const revision = wanted.find((one) => one.service === service)?.revision;
    if (key.kind !== "StatefulSet" || revision === undefined || state.foreign.has(service)) continue;
    await attempt(way, saved, () => removeStuckPods(state, key, { revision }, signal));
    state.freed.set(service, new StuckSince());
  }
}

async function restoreOne(
  { state, context }: Way,
  saved: SnapshotObject,
  live: KubernetesObject | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { log } = state.options;
  if (live === undefined) log.info(`${titleOf(saved.key)} is gone: it is made again as it was`);
  if (leaves(state, saved, live)) return;
  try {
    const object = await state.verb(saved.verb).restore(saved, restorationMarks(context.deployment), signal, live);
    state.watch.expect(object);
    noteRestored(state, saved, object);
    log.info(`put ${titleOf(saved.key)} back`);
  } catch (error) {
    // Somebody may have been faster by a moment.
    if (!isBelayError(error, "ENGINE_ERROR")) throw error;
    if (!leaves(state, saved, await state.api.get(saved.key, signal))) throw error;
  }
}

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
