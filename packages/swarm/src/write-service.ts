import { BelayError, LABELS } from "@belay/core";
import { isConflict, isOutOfSequence, type RegistryAuth, type Service, type ServiceSpec } from "@belay/docker";
import { normalFrame } from "./normal-spec.ts";
import { tasksOf } from "./observe-services.ts";
import { ReferenceBook } from "./resolve-references.ts";
import { readLabels } from "./service-labels.ts";
import { goalOf, isJob } from "./service-mode.ts";
import type { TargetState } from "./target-state.ts";
import { taskRevision } from "./task-revision.ts";

/** One change to one service. */
export interface Write {
  /** Full name. */
  readonly name: string;
  /**
   * The whole spec, labels included, made from what is there when it is sent; nothing when it is right already. Asked again
   * when the service has moved on meanwhile, so this is where a change by somebody else is looked at.
   */
  readonly make: (live: Service | undefined) => ServiceSpec | undefined;
  readonly signal: AbortSignal;
}

/** The engine's updater and other clients write a service now and then, but not for ever. */
const ATTEMPTS = 8;

/**
 * Creates or updates a service, whoever else is at it: each update names the version that it was made from, and one that
 * the engine refuses for that is made anew from what is there then.
 */
export async function writeService(state: TargetState, write: Write): Promise<void> {
  const { name, make, signal } = write;
  for (let attempt = 1; ; attempt++) {
    const live = await state.directory.service(name, { signal });
    const wanted = make(live);
    if (wanted === undefined) return;
    try {
      await send(state, live, wanted, signal);
      return;
    } catch (error) {
      const raced = live === undefined ? isConflict(error) : isOutOfSequence(error);
      if (!raced || attempt === ATTEMPTS) throw error;
      state.options.log.debug(`${name} has moved on: looking again before it is changed`);
    }
  }
}

async function send(
  state: TargetState,
  live: Service | undefined,
  wanted: ServiceSpec,
  signal: AbortSignal,
): Promise<void> {
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
  await readBack(state, spec, signal);
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
 * What the engine made of the spec: where it added something of its own, its revision is another name of the wanted one. The
 * label on the service has to name what is shown, or the next run would take it for a change by hand.
 */
async function readBack(state: TargetState, spec: ServiceSpec, signal: AbortSignal): Promise<void> {
  const wanted = taskRevision(spec.TaskTemplate, state.directory.networks);
  state.written.set(spec.Name, state.aliases.get(wanted) ?? wanted);
  for (let attempt = 1; ; attempt++) {
    const service = await state.directory.service(spec.Name, { signal });
    const label = service && readLabels(service.Spec).revision;
    // Somebody else was faster, and is told of by the next look.
    if (service === undefined || imageOf(service.Spec) !== imageOf(spec) || label !== readLabels(spec).revision) return;
    const shown = taskRevision(service.Spec.TaskTemplate, state.directory.networks);
    if (shown === wanted) return;
    state.aliases.set(shown, wanted);
    // Writing a job runs it again.
    if (isJob(spec) || label === undefined) return;
    state.options.log.debug(`${spec.Name}: the engine shows revision ${shown} for ${wanted}`);
    const fixed = { ...service.Spec, Labels: { ...service.Spec.Labels, [LABELS.revision]: shown } };
    try {
      await state.docker.services.update(service.ID, service.Version, fixed, { signal });
      return;
    } catch (error) {
      if (!isOutOfSequence(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

function imageOf({ TaskTemplate }: ServiceSpec): string | undefined {
  return TaskTemplate.ContainerSpec?.Image;
}

async function authFor(state: TargetState, spec: ServiceSpec): Promise<RegistryAuth | undefined> {
  const image = spec.TaskTemplate.ContainerSpec?.Image ?? "";
  const [first = ""] = image.split("/");
  // As the docker command line reads a reference: the first part is a registry when it looks like a host.
  const registry = image.includes("/") && /[.:]|^localhost$/.test(first) ? first : "docker.io";
  return state.options.registryAuth?.(registry);
}

/** Somebody else's change, found just before ours: nothing is overwritten that nobody has planned for. */
export function movedOn(name: string): BelayError {
  return new BelayError("ENGINE_ERROR", {
    doing: `updating the service ${name}`,
    got: "somebody else changed it since the plan was made",
    next: "Run the deployment again: it plans anew.",
  });
}
