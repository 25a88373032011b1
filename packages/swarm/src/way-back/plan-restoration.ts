import { type DeploymentContext, type Execution, type ExecutionStage, scopeHash, type Wanted } from "@belay/core";
import type { Service } from "@belay/docker";
import { removeService } from "../change/remove-service.ts";
import { restoreNetworks } from "../change/restore-networks.ts";
import { writeServices } from "../change/write-services.ts";
import { tasksOf } from "../observe/observe-services.ts";
import { digestsIn } from "../observe/translate-task.ts";
import { GONE } from "../plan/plan-detail.ts";
import { countReady } from "../plan/read-swarm.ts";
import { readLabels } from "../spec/service-labels.ts";
import { wantedTasks } from "../spec/service-mode.ts";
import type { ServiceSnapshot, Snapshot } from "../spec/snapshot.ts";
import { removeCreated } from "../stack/index.ts";
import type { TargetState } from "../target-state.ts";
import { needsSettling, restoreService, settleService } from "./restore-service.ts";

/** Requests to one manager at a time. */
const AT_ONCE = 4;

/** A service of the snapshot with what has to be done for it. */
export interface Restoring {
  readonly was: ServiceSnapshot;
  /** What runs once and ran to its end: the engine would run the old one again if its spec came back, so it is left alone. */
  readonly done?: Service;
}

/**
 * The way back, from wherever a deployment was broken off.
 *
 * `restore`: the old specs come back as a whole, in one versioned update each; what the engine has rolled back by itself
 * already needs none. The engine's failure action is `continue` meanwhile: its own could bring the bad release back.
 * `settle`: the user's own update settings come back, and what the deployment created goes.
 */
export async function planRestoration(
  state: TargetState,
  snapshot: Snapshot,
  context: DeploymentContext,
): Promise<Execution> {
  state.beginRestoring(snapshot);
  const fencing = state.carriedOut !== context.deployment;
  const all = await Promise.all(snapshot.services.map((was) => surveyOne(state, was)));
  const old = all.filter(({ was }) => was.spec !== undefined);
  const created = all.filter(({ was }) => was.spec === undefined);
  const restore: ExecutionStage = {
    name: "restore",
    act: (signal) => restoreAll(state, snapshot, { old, created, fencing }, signal),
    expect: "alone",
    stable: true,
    services: old.map(({ was }) => was.service),
  };
  const settle: ExecutionStage = {
    name: "settle",
    act: (signal) => settleAll(state, snapshot, { old, created }, signal),
    expect: "alone",
    stable: old.length === 0,
  };
  const unsettled = created.length > 0 || snapshot.whole || old.some(({ was }) => needsSettling(was));
  const stages = [...(old.length > 0 ? [restore] : []), ...(unsettled || old.length === 0 ? [settle] : [])];
  return { wanted: all.map((one) => wantedOf(state, one)), stages };
}

async function surveyOne(state: TargetState, was: ServiceSnapshot): Promise<Restoring> {
  if (was.spec === undefined || was.goal !== "complete") return { was };
  const live = await state.directory.service(was.name);
  if (live === undefined) return { was };
  if (state.revisionInForce(live) === was.revision) return { was };
  const complete = countReady(state, live, await tasksOf(state, [live])) >= (wantedTasks(live.Spec) ?? was.desired);
  return complete ? { was, done: live } : { was };
}

function wantedOf(state: TargetState, { was, done }: Restoring): Wanted {
  const { service, goal } = was;
  if (was.spec === undefined) return { service, goal: "run", desired: 0, ...GONE };
  const desired = was.desired;
  if (done === undefined) return { service, goal, desired, revision: was.revision, digests: digestsIn(was.image) };
  return { service, goal, desired, revision: state.revisionInForce(done), digests: [] };
}

interface Work {
  readonly old: readonly Restoring[];
  readonly created: readonly Restoring[];
}

async function restoreAll(
  state: TargetState,
  snapshot: Snapshot,
  { old, created, fencing }: Work & { readonly fencing: boolean },
  signal: AbortSignal,
): Promise<void> {
  const there = await state.directory.services(
    old.map(({ was }) => was.name),
    { signal },
  );
  const missing = old.filter(({ was }) => !there.some(({ Spec }) => Spec.Name === was.name));
  // What comes back may want the ports of what was made in its place.
  if (missing.length > 0) await removeMade(state, snapshot, created, signal);
  const networks = await restoreNetworks(state, snapshot.networks, signal);
  // In reverse order of the way forward: what depends on others goes back before those do.
  const undone = old.filter(({ done }) => done === undefined).toReversed();
  const writes = undone.map(({ was }) => restoreService(state, { was, snapshot, networks, fencing }));
  await writeServices(state, writes, 1, signal);
}

async function settleAll(
  state: TargetState,
  snapshot: Snapshot,
  { old, created }: Work,
  signal: AbortSignal,
): Promise<void> {
  await removeMade(state, snapshot, created, signal);
  const unsettled = old.filter(({ was }) => needsSettling(was));
  await writeServices(
    state,
    unsettled.map(({ was }) => settleService(state, was)),
    AT_ONCE,
    signal,
  );
  if (!snapshot.whole) return;
  const query = { scope: scopeHash(state.options.scope), newerThan: snapshot.labelledDeployment };
  await removeCreated(state.docker, query, state.options, signal);
}

/** Removes what this deployment or a later one created, recognised by the labels. Others' services are never touched. */
async function removeMade(
  state: TargetState,
  { labelledDeployment }: Snapshot,
  created: readonly Restoring[],
  signal: AbortSignal,
): Promise<void> {
  const scope = scopeHash(state.options.scope);
  for (const { was } of created.toReversed()) {
    const live = await state.directory.service(was.name, { signal });
    const labels = live && readLabels(live.Spec);
    if (labels?.scope !== scope || (labels.deployment ?? 0) <= labelledDeployment) continue;
    await removeService(state, was.name, signal);
  }
}
