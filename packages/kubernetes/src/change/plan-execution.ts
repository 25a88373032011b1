import {
  BelayError,
  type DeploymentContext,
  dependencyLevels,
  type Execution,
  type ExecutionStage,
  inService,
  LeftBehind,
  mapBounded,
  type Wanted,
} from "@belay/core";
import { checkFence } from "../check-fence.ts";
import type { Marks } from "../desired.ts";
import { kubectlOf, shellWord } from "../evidence/give-advice.ts";
import { type KubernetesObject, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import { marksOf } from "../marks.ts";
import { removeStuckPods } from "../observe/remove-stuck-pods.ts";
import { StuckSince } from "../observe/stuck-since.ts";
import { AT_ONCE } from "../plan/make-plan.ts";
import { isTouched, type PlanContents, type PlannedObject } from "../plan-detail.ts";
import type { TargetState } from "../target-state.ts";
import { isWorkloadKind, revisionOf, templateOf, type Workload } from "../workload.ts";
import { removeObject } from "./remove-object.ts";

/**
 * The way forward: one stage per level of dependencies, then the removal of what the release no longer has. The cluster's own
 * controllers replace the pods, by the workload's own strategy; the judge watches every pod of them.
 */
export function planExecution(state: TargetState, plan: PlanContents, context: DeploymentContext): Execution {
  state.beginWay();
  for (const planned of plan.objects) {
    const { desired, live } = planned;
    if (desired.service === undefined) continue;
    state.remember(desired.service, desired);
    if (live !== undefined && !isTouched(planned)) state.written.set(desired.service, live);
  }
  const wanted = plan.changes.filter(({ action }) => action !== "remove").map((change) => wantedOf(plan, change));
  const removed = plan.changes.filter(({ action }) => action === "remove");
  const touched = plan.objects.filter(isTouched);
  if (touched.length === 0 && plan.prune.length === 0) {
    return { wanted, stages: [{ name: "verify", act: async () => {}, expect: "alone", stable: true }] };
  }
  const levels = levelsOf(plan.objects);
  const stages = levels.map((level, index): ExecutionStage => {
    const last = index === levels.length - 1;
    const later = new Set(levels.slice(index + 1).flatMap((objects) => objects.map(({ desired }) => desired.service)));
    const services = wanted.map(({ service }) => service).filter((service) => !later.has(service));
    const names = level.flatMap(({ desired }) => desired.service ?? []);
    return {
      name: levels.length === 1 ? "apply" : `apply ${names.join(", ")}`,
      act: (signal) => changeAll(state, plan, level, context, signal),
      expect: "alone",
      stable: last,
      services,
    };
  });
  const left = new LeftBehind(state.options.log);
  const prune: ExecutionStage = {
    name: "prune",
    act: (signal) => prunePlanned(state, plan, { context, left }, signal),
    expect: "alone",
    // Where nothing else changes, what needed it shows it only after a while.
    stable: stages.length === 0,
  };
  const gone = removed.map((change): Wanted => ({ ...nothing(change.service), goal: change.goal }));
  const all = plan.prune.length === 0 ? stages : [...stages, prune];
  return { wanted: [...wanted, ...gone], stages: all, leftBehind: () => left.all() };
}

function nothing(service: string): Wanted {
  return { service, goal: "run", desired: 0, revision: "none", digests: [] };
}

function wantedOf(plan: PlanContents, change: PlanContents["changes"][number]): Wanted {
  const { service, goal, name, to, from } = change;
  const facts = to ?? from;
  const floor = plan.floors.get(name);
  const instances = facts?.instances ?? change.desired;
  return {
    service,
    goal,
    desired: floor === undefined ? instances : Math.min(floor, instances),
    revision: facts?.revision ?? "unknown",
    digests: facts?.digests ?? [],
  };
}

/**
 * What is to be changed, in levels of which each waits for the one before. Objects that have no pods go with the first level
 * (what stands before the first workload) or with the last (Services, routes): that is how their order is given.
 */
function levelsOf(objects: readonly PlannedObject[]): PlannedObject[][] {
  const workloads = objects.flatMap((one) => {
    const { service, dependsOn } = one.desired;
    return service === undefined ? [] : [{ one, service, dependsOn }];
  });
  const levels = dependencyLevels(workloads)
    .map((level) => level.map(({ one }) => one).filter(isTouched))
    .filter((level) => level.length > 0);
  const start = objects.findIndex(({ desired }) => desired.service !== undefined);
  const others = objects.filter((one) => one.desired.service === undefined && isTouched(one));
  const isBefore = (one: PlannedObject): boolean => start < 0 || objects.indexOf(one) < start;
  if (levels.length === 0) return others.length === 0 ? [] : [others];
  const last = levels.length - 1;
  return levels.map((level, index) => [
    ...(index === 0 ? others.filter(isBefore) : []),
    ...level,
    ...(index === last ? others.filter((one) => !isBefore(one)) : []),
  ]);
}

async function changeAll(
  state: TargetState,
  plan: PlanContents,
  level: readonly PlannedObject[],
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  for (const group of groupsOf(level)) {
    await mapBounded(group, AT_ONCE, signal, (planned) => {
      const change = (): Promise<void> => changeOne(state, planned, context, signal);
      const { service } = planned.desired;
      return service === undefined ? change() : inService(service, change);
    });
  }
  const revisions = new Map(plan.changes.map(({ service, to }) => [service, to?.revision ?? ""]));
  for (const { desired } of level) {
    if (desired.kind === "StatefulSet" && desired.service !== undefined) {
      const revision = revisions.get(desired.service) ?? "";
      const { startMs } = context.policy;
      await removeStuckPods(state, desired, { revision, startMs }, signal);
      state.freed.set(desired.service, new StuckSince(startMs));
    }
  }
}

/** Workloads of one level don't wait for each other; what stands between them is changed in its order. */
function groupsOf(level: readonly PlannedObject[]): PlannedObject[][] {
  const groups: PlannedObject[][] = [];
  let isOpen = false;
  for (const one of level) {
    const together = one.desired.service !== undefined;
    if (together && isOpen) groups.at(-1)?.push(one);
    else groups.push([one]);
    isOpen = together;
  }
  return groups;
}

async function changeOne(
  state: TargetState,
  planned: PlannedObject,
  context: DeploymentContext,
  signal: AbortSignal,
): Promise<void> {
  const { desired, restores } = planned;
  const marks = marksOf(state.options.scope, context, desired.service);
  const seen = await requireUnchanged(state, planned, marks, signal);
  const verb = state.verb(desired.verb);
  const object =
    restores?.was === undefined
      ? await verb.change(desired, marks, signal, seen)
      : await verb.restore(restores, marks, signal, seen);
  state.watch.expect(object);
  const template = templateOf(object);
  if (desired.service !== undefined && template !== undefined) {
    state.changed.set(desired.service, revisionOf(template));
    state.written.set(desired.service, object);
  }
  state.options.log.info(`changed ${titleOf(desired)} (deployment ${context.deployment})`);
}

/** The plan was made for what ran then. A person's change since must be seen by a person, not overwritten. */
async function requireUnchanged(
  state: TargetState,
  { desired, live, preview }: PlannedObject,
  marks: Marks,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  if (live === undefined) return undefined;
  const now = await state.api.get(desired, signal);
  checkFence(now, state.options.scope, marks, live);
  const [before, template, after] = [live, now, preview.object].map((one) => one && templateOf(one));
  if (before === undefined || template === undefined || after === undefined) return now;
  const revision = revisionOf(template);
  if (revision === revisionOf(before) || revision === revisionOf(after)) return now;
  throw new BelayError("ENGINE_ERROR", {
    doing: `changing ${titleOf(desired)}`,
    got: "its pod template was changed by somebody else after the plan was made",
    next: "Deploy again: a new plan takes what is there now into account.",
  });
}

interface Pruning {
  readonly context: DeploymentContext;
  readonly left: LeftBehind;
}

/**
 * A workload that could not be got rid of goes on to serve, also beside one of another kind or name that took its service over:
 * that is an error. The rest serves nobody.
 */
async function prunePlanned(
  state: TargetState,
  plan: PlanContents,
  { context, left }: Pruning,
  signal: AbortSignal,
): Promise<void> {
  const { scope, log, clock } = state.options;
  const marks = marksOf(scope, context);
  left.begin();
  for (const { key, live, service = titleOf(key) } of plan.prune.toReversed()) {
    const remove = async (): Promise<void> => {
      await removeObject(state.api, scope, { key, before: live, marks, clock }, signal);
      log.info(`removed ${titleOf(key)}`);
    };
    const command = [...kubectlOf(state.options), "delete", titleOf(key)].map(shellWord).join(" ");
    if (await mayServe(state, key, live, signal)) await inService(service, remove);
    else await left.attempt({ what: titleOf(key), command }, remove);
  }
}

/** Only a Job comes to an end by itself; one that had not when the plan was made may have since. */
async function mayServe(
  { api }: TargetState,
  key: ObjectKey,
  planned: KubernetesObject,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isWorkloadKind(key.kind)) return false;
  if (key.kind !== "Job") return true;
  return !isOver(planned) && !isOver(await api.get(key, signal));
}

/** Whether nothing of a Job runs any more. One that is gone has nothing to run. */
function isOver(job: KubernetesObject | undefined): boolean {
  if (job === undefined) return true;
  const { conditions = [] } = (job as Workload).status ?? {};
  return conditions.some(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True");
}
