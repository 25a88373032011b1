import { mapBounded, type Plan, type RolloutPolicy } from "@belay/core";
import type { DesiredObject, VerbName } from "../desired.ts";
import { type KubernetesObject, keyOf, titleOf } from "../kubernetes-object.ts";
import { describeDifferences } from "../manifests/describe-differences.ts";
import { AT_ONCE, findPruned, finishPlan, lookAround, PLAN_MS } from "../plan/make-plan.ts";
import type { PlannedObject } from "../plan-detail.ts";
import type { Snapshot, SnapshotObject } from "../snapshot.ts";
import type { TargetState } from "../target-state.ts";
import { revisionOf, templateOf } from "../workload.ts";

/**
 * The plan of going back to what ran when snapshots were taken, oldest first: of each object the first one that has it
 * counts. Services that none of them has are in it as they are.
 */
export async function planReturn(
  state: TargetState,
  snapshots: readonly Snapshot[],
  policy: RolloutPolicy,
): Promise<Plan> {
  const signal = AbortSignal.timeout(PLAN_MS);
  const saved = firstOfEach(snapshots);
  const kept = saved.filter(({ was }) => was !== undefined);
  const created = saved.filter(({ was, key }) => was === undefined && !state.options.manifests?.isKept(key.kind));
  const objects = await mapBounded(kept, AT_ONCE, signal, (one) => plannedReturn(state, one, signal));
  const others = await untouched(state, saved, signal);
  const gone = created.map(({ key }) => key);
  const planned = [...objects, ...others];
  const [prune, surroundings] = await Promise.all([
    findPruned(state, gone, signal),
    lookAround(state, [...planned.map((one) => one.desired), ...gone], signal),
  ]);
  const desired = { findings: [], notCovered: [] };
  return finishPlan(state, { objects: planned, prune, desired, policy, surroundings }, signal);
}

function firstOfEach(snapshots: readonly Snapshot[]): SnapshotObject[] {
  const found = new Map<string, SnapshotObject>();
  for (const { objects } of snapshots) {
    for (const one of objects) {
      const id = `${one.key.namespace ?? ""}/${titleOf(one.key)}`;
      // A Job that ran is not run again.
      if (!found.has(id) && !(one.pruned && one.key.kind === "Job")) found.set(id, one);
    }
  }
  return [...found.values()];
}

async function plannedReturn(state: TargetState, saved: SnapshotObject, signal: AbortSignal): Promise<PlannedObject> {
  const { key, service, goal, verb, images } = saved;
  const live = await state.api.get(key, signal);
  const object = await state.verb(verb).previewRestore(saved, signal, live);
  const differences = differencesOf(verb, live, object);
  const action = live === undefined ? "create" : differences.length === 0 ? "unchanged" : "update";
  const desired: DesiredObject = {
    ...key,
    verb,
    dependsOn: [],
    ...(service === undefined ? {} : { service }),
    ...(goal === undefined ? {} : { goal }),
    ...(images === undefined ? {} : { images }),
  };
  return { desired, live, preview: { object, action, differences, findings: [] }, restores: saved };
}

/** An apply brings back all that Belay applies; the other way of changing a workload no more than its pod template. */
function differencesOf(
  verb: VerbName,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
): readonly string[] {
  const asBefore = `${titleOf(keyOf(object))} as it was before`;
  if (live === undefined) return [asBefore];
  const [before, after] = [templateOf(live), templateOf(object)];
  if (verb === "apply" || before === undefined || after === undefined) return describeDifferences(live, object);
  return revisionOf(before) === revisionOf(after) ? [] : [asBefore];
}

/** What runs of the application besides: judged, not changed. */
async function untouched(
  state: TargetState,
  saved: readonly SnapshotObject[],
  signal: AbortSignal,
): Promise<PlannedObject[]> {
  const known = new Set(saved.flatMap(({ service }) => service ?? []));
  const names = state.services.filter((service) => !known.has(service));
  const found = await mapBounded(names, AT_ONCE, signal, async (service): Promise<PlannedObject[]> => {
    const key = state.keyOf(service);
    const live = await state.api.get(key, signal);
    if (live === undefined) return [];
    const desired: DesiredObject = { ...key, verb: "patch-image", service, dependsOn: [] };
    return [{ desired, live, preview: { object: live, action: "unchanged", differences: [], findings: [] } }];
  });
  return found.flat();
}
