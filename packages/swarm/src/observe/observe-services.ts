import { mayChangeInPassing, type Observation, type ObservedService, type Wanted } from "@belay/core";
import { isNotFound, type Service, type SwarmNode, type Task } from "@belay/docker";
import { isJob, modeOf } from "../spec/service-mode.ts";
import { asRestored } from "../spec/snapshot.ts";
import type { TargetState } from "../target-state.ts";
import { diedWithEngine } from "./died-with-engine.ts";
import { excusedTasks } from "./excused-tasks.ts";
import type { Flux } from "./look-times.ts";
import { isPaused, pausedByNode } from "./paused-by-node.ts";
import { resumeUpdate } from "./resume-update.ts";
import { runAgain } from "./run-again.ts";
import { surplusTasks } from "./surplus-tasks.ts";
import type { Lack } from "./task-watch.ts";
import { lacksReadyNode, translateService } from "./translate-service.ts";
import { hasEnded, isUnwanted } from "./translate-task.ts";

/** All wanted services with their tasks, in two requests at a time, however many there are. */
export async function observeServices(
  state: TargetState,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<Observation> {
  const { clock } = state.options;
  const beganAt = clock.now();
  const names = wanted.map(({ service }) => state.nameOf(service));
  const { services, tasks } = await readServices(state, names, signal);
  const nodes = await nodesFor(state, services, tasks, signal);
  for (const task of tasks) {
    if ((isUnwanted(task) && !hasEnded(task)) || diedWithEngine(task, state)) state.leaving.add(task.ID);
  }
  const oom = await findOutOfMemory(state, wanted, tasks, signal);
  const byService = Map.groupBy(tasks, ({ ServiceID }) => ServiceID);
  const surplus = new Set(surplusTasks(tasks, (task) => state.revisionOfTask(task)).map(({ ID }) => ID));
  if (mayChangeInPassing()) await runAllAgain(state, services, byService, signal);
  const excused = excusedTasks(tasks, state);
  if (mayChangeInPassing()) await resumeAll(state, services, { byService, nodes, surplus, excused }, signal);
  const byName = new Map(services.map((service) => [service.Spec.Name, service]));
  const observed = wanted.map((one, index) => {
    const name = names[index] ?? "";
    const service = byName.get(name);
    const own = byService.get(service?.ID ?? "") ?? [];
    const seen = translateService(one, service, own, {
      name,
      // One too many is of no revision that is wanted.
      revisionOf: (task) => `${state.revisionOfTask(task)}${surplus.has(task.ID) ? " surplus" : ""}`,
      translate: (task, known) => state.memo.instanceOf(task, known, state.directory.networks),
      inForce: (shown) => state.revisionInForce(shown),
      leaving: state.leaving,
      excused,
      local: (task) => state.watch.local(task),
      oom,
      nodes,
      written: state.written.get(name) ?? state.standing.get(name),
    });
    return state.restoring === undefined ? seen : asRestored(seen, state.restoring);
  });
  const listed = new Set(tasks.map(({ ID }) => ID));
  state.memo.tidy(listed);
  state.earlier ??= listed;
  const flux = { ...fluxOf(state, tasks), tookMs: clock.now() - beganAt };
  state.watch.looked(lacksOf(state, observed, services), listed, flux);
  return { at: state.engineNow(), services: observed, probes: [] };
}

/**
 * The services and their tasks, at once: tasks are asked for by the ids that the services had at the last look. When one of
 * them is new, or gone, the tasks are asked for once more.
 */
async function readServices(
  state: TargetState,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly services: readonly Service[]; readonly tasks: readonly Task[] }> {
  const ids = names.flatMap((name) => state.ids.get(name) ?? []);
  const [services, early] = await Promise.all([
    state.directory.services(names, { signal }),
    ids.length === 0 ? undefined : tasksById(state, ids, signal),
  ]);
  const asked = new Set(ids);
  const same = services.length === asked.size && services.every(({ ID }) => asked.has(ID));
  for (const name of names) state.ids.delete(name);
  for (const { ID, Spec } of services) state.ids.set(Spec.Name, ID);
  return { services, tasks: same && early !== undefined ? early : await tasksOf(state, services, signal) };
}

/** `undefined` when one of them was removed: the engine refuses the whole list for that. */
async function tasksById(
  { docker, memo }: TargetState,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Task[] | undefined> {
  try {
    return await docker.tasks.list({ filters: { service: ids }, kept: memo }, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What the services lack that have their new spec already. */
function lacksOf(
  state: TargetState,
  observed: readonly ObservedService[],
  services: readonly Service[],
): ReadonlyMap<string, Lack> {
  const live = new Map(services.map((one) => [one.Spec.Name, one]));
  return new Map(
    observed.flatMap((one): [string, Lack][] => {
      const service = live.get(state.nameOf(one.name));
      if (service === undefined || state.revisionInForce(service) !== one.wantedRevision) return [];
      const current = one.instances.filter(({ phase }) => phase === "current");
      const own = current.filter(({ revision }) => revision === one.wantedRevision);
      const right = new Set(own.filter((instance) => instance.ready).map(({ id }) => id));
      const open = new Set(current.map(({ id }) => id).filter((id) => !right.has(id)));
      const ready = Math.max(0, one.desired - right.size);
      return [[service.ID, { ready, gone: current.length - own.length, open, right }]];
    }),
  );
}

function fluxOf(state: TargetState, tasks: readonly Task[]): Omit<Flux, "tookMs"> {
  const living = tasks.filter((task) => !hasEnded(task));
  const moving = living.filter((task) => task.Status.State !== task.DesiredState);
  const isRemote = ({ NodeID }: Task): boolean => NodeID !== undefined && NodeID !== state.node;
  return {
    here: moving.some((one) => !isRemote(one)),
    elsewhere: moving.some(isRemote),
    remote: living.some(isRemote),
  };
}

interface Seen {
  readonly byService: ReadonlyMap<string, readonly Task[]>;
  readonly nodes: readonly SwarmNode[];
  readonly surplus: ReadonlySet<string>;
  readonly excused: ReadonlySet<string>;
}

/** What runs once of what this run wrote is run again where its node refused it for what passes. */
async function runAllAgain(
  state: TargetState,
  services: readonly Service[],
  byService: Seen["byService"],
  signal: AbortSignal,
): Promise<void> {
  for (const service of services) {
    if (isOwn(state, service)) await runAgain(state, service, byService.get(service.ID) ?? [], signal);
  }
}

function isOwn(state: TargetState, service: Service): boolean {
  return state.written.get(service.Spec.Name) === state.revisionInForce(service);
}

/** What this run wrote goes on where the engine paused for no fault of it, or left tasks that one slot has too many. */
async function resumeAll(
  state: TargetState,
  services: readonly Service[],
  { byService, nodes, surplus, excused }: Seen,
  signal: AbortSignal,
): Promise<void> {
  const doing = { nodes, leaving: state.leaving, excused };
  for (const service of services) {
    // Writing a job runs it again.
    if (!isOwn(state, service) || isJob(service.Spec)) continue;
    const tasks = byService.get(service.ID) ?? [];
    const paused = pausedByNode(service, tasks, doing);
    const left = tasks.filter(({ ID }) => surplus.has(ID) && !state.tidied.has(ID)).map(({ ID }) => ID);
    if (paused !== undefined && !paused.mayGoOn) continue;
    if (paused !== undefined)
      await resumeUpdate(state, service, `paused the update because ${paused.task.ID} ended by its node`, signal);
    else if (left.length > 0 && !isUpdating(service)) {
      const why = `left ${left.join(", ")} beside another task of the same slot`;
      if (await resumeUpdate(state, service, why, signal)) for (const ID of left) state.tidied.add(ID);
    }
  }
}

/** The engine is still at it, and takes away what is too many itself. */
function isUpdating({ UpdateStatus }: Service): boolean {
  return UpdateStatus?.State === "updating" || UpdateStatus?.State === "rollback_started";
}

/** Every task, those that have ended too. */
export async function tasksOf(
  state: TargetState,
  services: readonly Service[],
  signal?: AbortSignal,
): Promise<readonly Task[]> {
  if (services.length === 0) return [];
  const found = await tasksById(
    state,
    services.map(({ ID }) => ID),
    signal,
  );
  if (found !== undefined) return found;
  const left = await state.directory.services(
    services.map(({ Spec }) => Spec.Name),
    { signal },
  );
  return left.length < services.length ? tasksOf(state, left, signal) : [];
}

/** Needed by services without a number of their own, those whose update the engine has paused, and tasks that find no ready one. */
async function nodesFor(
  state: TargetState,
  services: readonly Service[],
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<readonly SwarmNode[]> {
  const needed =
    services.some(({ Spec, UpdateStatus }) => modeOf(Spec).startsWith("global") || isPaused(UpdateStatus?.State)) ||
    tasks.some(lacksReadyNode);
  return needed ? state.docker.nodes.list({}, { signal }) : [];
}

const SIGKILL_EXIT = 137;

/**
 * The manager does not tell whether a task ended for lack of memory, its container does: the engine is asked once per task
 * that ended as one that was killed does, on the node that is talked to.
 */
async function findOutOfMemory(
  state: TargetState,
  wanted: readonly Wanted[],
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const revisions = new Set(wanted.map(({ revision }) => revision));
  const suspects = tasks.filter(
    (task) =>
      task.NodeID === state.node &&
      task.Status.ContainerStatus?.ExitCode === SIGKILL_EXIT &&
      revisions.has(state.revisionOfTask(task)),
  );
  const found = await Promise.all(
    suspects.map(async (task) => ((await wasOutOfMemory(state, task, signal)) ? [task.ID] : [])),
  );
  return new Set(found.flat());
}

async function wasOutOfMemory(state: TargetState, task: Task, signal: AbortSignal): Promise<boolean> {
  const known = state.outOfMemory.get(task.ID);
  if (known !== undefined) return known;
  try {
    const container = await state.docker.containers.inspect(task.Status.ContainerStatus?.ContainerID ?? "", { signal });
    state.outOfMemory.set(task.ID, container.State.OOMKilled);
    return container.State.OOMKilled;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    state.outOfMemory.set(task.ID, false);
    return false;
  }
}
