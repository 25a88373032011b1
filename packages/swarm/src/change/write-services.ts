import { BelayError, inService, LABELS, mapBounded } from "@belay/core";
import {
  isConflict,
  isNotFound,
  isOutOfSequence,
  type RegistryAuth,
  type Service,
  type ServiceSpec,
} from "@belay/docker";
import { tasksOf } from "../observe/observe-services.ts";
import { taskRevision } from "../observe/task-revision.ts";
import { registryOf } from "../plan/registry-credentials.ts";
import { normalFrame } from "../spec/normal-spec.ts";
import { ReferenceBook } from "../spec/resolve-references.ts";
import { readLabels } from "../spec/service-labels.ts";
import { goalOf, isJob } from "../spec/service-mode.ts";
import type { TargetState } from "../target-state.ts";

/** One change to one service. */
export interface Write {
  /** Name in `belay.yaml`: errors say it. */
  readonly service: string;
  /** Full name. */
  readonly name: string;
  /**
   * The whole spec, labels included, made from what is there when it is sent; nothing when it is right already. Asked again
   * when the service has moved on meanwhile, so this is where a change by somebody else is looked at.
   */
  readonly make: (live: Service | undefined) => ServiceSpec | undefined;
}

/** The engine's updater and other clients write a service now and then, but not for ever. */
const ATTEMPTS = 8;

/**
 * Creates or updates services, whoever else is at it: each update names the version that it was made from, and one that the
 * engine refuses for that is made anew from what is there then. They are read in one request before, and in one after.
 *
 * `atOnce`: requests to the manager at a time; with 1 they are written in their order.
 */
export async function writeServices(
  state: TargetState,
  writes: readonly Write[],
  atOnce: number,
  signal: AbortSignal,
): Promise<void> {
  const found = await state.directory.services(
    writes.map(({ name }) => name),
    { signal },
  );
  const live = new Map(found.map((one) => [one.Spec.Name, one]));
  const sent = await mapBounded(writes, atOnce, signal, (write, both) =>
    inService(write.service, () => writeOne(state, write, live.get(write.name), both)),
  );
  const specs = sent.filter((spec) => spec !== undefined);
  if (specs.length > 0) await readBack(state, specs, signal);
}

/** What was sent, if anything had to be. */
async function writeOne(
  state: TargetState,
  { name, make }: Write,
  first: Service | undefined,
  signal: AbortSignal,
): Promise<ServiceSpec | undefined> {
  let live = first;
  for (let attempt = 1; ; attempt++) {
    const wanted = make(live);
    if (wanted === undefined) return undefined;
    try {
      return await send(state, live, wanted, signal);
    } catch (error) {
      const raced = live === undefined ? isConflict(error) : isOutOfSequence(error) || isNotFound(error);
      if (!raced || attempt === ATTEMPTS) throw error;
      state.options.log.debug(`${name} has moved on: looking again before it is changed`);
    }
    live = await state.directory.service(name, { signal });
  }
}

async function send(
  state: TargetState,
  live: Service | undefined,
  wanted: ServiceSpec,
  signal: AbortSignal,
): Promise<ServiceSpec> {
  const { docker } = state;
  const book = await ReferenceBook.read(docker, [wanted], signal);
  const spec = book.resolve(wanted);
  const auth = await authFor(state, spec);
  const options = { signal, ...(auth === undefined ? {} : { auth }) };
  if (live === undefined) await docker.services.create(spec, options);
  else {
    await noteStale(state, live, spec, signal);
    await docker.services.update(live.ID, live.Version, spec, options);
  }
  const revision = taskRevision(spec.TaskTemplate, state.directory.networks);
  state.written.set(spec.Name, state.aliases.get(revision) ?? revision);
  return spec;
}

/**
 * A change of ports makes the engine replace every task, but a task does not show its ports; and what runs once is run again,
 * although a task of the same revision may have ended well before. So those that are there now are remembered as old ones.
 */
async function noteStale(state: TargetState, live: Service, spec: ServiceSpec, signal: AbortSignal): Promise<void> {
  const sameTasks = state.revisionInForce(live) === state.revisionOf(spec.TaskTemplate);
  const ports = (one: ServiceSpec): string =>
    normalFrame({ Name: "", TaskTemplate: {}, EndpointSpec: one.EndpointSpec ?? null }, "without");
  const replaced = sameTasks ? ports(live.Spec) !== ports(spec) : goalOf(spec) === "complete";
  if (!replaced) return;
  for (const task of await tasksOf(state, [live], signal)) state.stale.add(task.ID);
}

/**
 * What the engine made of the specs: where it added something of its own, its revision is another name of the wanted one. The
 * label on the service has to name what is shown, or the next run would take it for a change by hand.
 */
async function readBack(state: TargetState, specs: readonly ServiceSpec[], signal: AbortSignal): Promise<void> {
  let left = specs;
  for (let attempt = 1; left.length > 0; attempt++) {
    const names = left.map(({ Name }) => Name);
    const shown = new Map((await state.directory.services(names, { signal })).map((one) => [one.Spec.Name, one]));
    const raced: ServiceSpec[] = [];
    for (const spec of left) {
      const done = await relabel(state, spec, shown.get(spec.Name), attempt === ATTEMPTS, signal);
      if (!done) raced.push(spec);
    }
    left = raced;
  }
}

/** False when somebody was faster, so that it has to be looked at once more. */
async function relabel(
  state: TargetState,
  spec: ServiceSpec,
  service: Service | undefined,
  last: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const wanted = taskRevision(spec.TaskTemplate, state.directory.networks);
  const label = service && readLabels(service.Spec).revision;
  // Somebody else was faster, and is told of by the next look.
  if (service === undefined || imageOf(service.Spec) !== imageOf(spec) || label !== readLabels(spec).revision)
    return true;
  const shown = taskRevision(service.Spec.TaskTemplate, state.directory.networks);
  if (shown === wanted) return true;
  state.aliases.set(shown, wanted);
  // Writing a job runs it again.
  if (isJob(spec) || label === undefined) return true;
  state.options.log.debug(`${spec.Name}: the engine shows revision ${shown} for ${wanted}`);
  const fixed = { ...service.Spec, Labels: { ...service.Spec.Labels, [LABELS.revision]: shown } };
  try {
    await state.docker.services.update(service.ID, service.Version, fixed, { signal });
    return true;
  } catch (error) {
    if (!isOutOfSequence(error) || last) throw error;
    return false;
  }
}

function imageOf({ TaskTemplate }: ServiceSpec): string | undefined {
  return TaskTemplate.ContainerSpec?.Image;
}

async function authFor(state: TargetState, spec: ServiceSpec): Promise<RegistryAuth | undefined> {
  return state.options.registryAuth?.(registryOf(imageOf(spec) ?? ""));
}

/** Somebody else's change, found just before ours: nothing is overwritten that nobody has planned for. */
export function movedOn(name: string): BelayError {
  return new BelayError("ENGINE_ERROR", {
    doing: `updating the service ${name}`,
    got: "somebody else changed it since the plan was made",
    next: "Run the deployment again: it plans anew.",
  });
}
