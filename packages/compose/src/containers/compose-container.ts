import { type Goal, LABELS, mapBounded } from "@belay/core";
import { type ContainerInspect, type Docker, isNotFound } from "@belay/docker";
import { COMPOSE_LABELS, revisionOf } from "../files/revision.ts";

/** A container of the project, as far as Belay reads it. */
export interface ComposeContainer {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** Name of the service in the compose files. */
  readonly service: string;
  /** Compose's number of the container within its service. */
  readonly number: string;
  readonly revision: string;
  /** Hash of the Belay scope that made it; none for what a plain compose made. */
  readonly scope?: string;
  readonly deployment?: number;
  readonly release?: string;
  /** Engine's time, milliseconds since 1970. */
  readonly createdAt: number;
  readonly inspect: ContainerInspect;
}

export function containerOf(inspect: ContainerInspect): ComposeContainer {
  const labels = inspect.Config.Labels ?? {};
  const scope = labels[LABELS.scope];
  const deployment = Number(labels[LABELS.deployment]);
  const release = labels[LABELS.release];
  return {
    id: inspect.Id,
    name: inspect.Name.replace(/^\//, ""),
    service: labels[COMPOSE_LABELS.service] ?? "",
    number: labels[COMPOSE_LABELS.number] ?? "0",
    revision: revisionOf(labels),
    ...(scope === undefined ? {} : { scope }),
    ...(scope === undefined || !Number.isSafeInteger(deployment) ? {} : { deployment }),
    ...(scope === undefined || release === undefined ? {} : { release }),
    createdAt: Date.parse(inspect.Created),
    inspect,
  };
}

/** Filter for the containers of a project that belong to a service (`docker compose run` makes others). */
export function projectFilter(project: string): { readonly label: readonly string[] } {
  return { label: [`${COMPOSE_LABELS.project}=${project}`, `${COMPOSE_LABELS.oneoff}=False`] };
}

/** Running, or about to run again by the engine's restart policy. */
export function isLive(container: ComposeContainer): boolean {
  const { Running, Restarting, Paused } = container.inspect.State;
  return Running || Restarting || Paused;
}

/** As it should be: done well, or running and not known to be ill. */
export function isSound(state: ContainerInspect["State"], goal: Goal): boolean {
  const { Running, Restarting, Paused, ExitCode, Status, Health } = state;
  if (goal === "complete") return Status === "exited" && ExitCode === 0;
  return Running && !Restarting && !Paused && Health?.Status !== "unhealthy";
}

const AT_ONCE = 8;

/**
 * Inspects each; one that has gone in between is left out. `make`: makes what is kept of each as soon as the engine has
 * answered, so that of ten thousand not all is in memory that it said.
 */
export async function inspectAll(
  docker: Docker,
  ids: readonly string[],
  signal?: AbortSignal,
  make: (inspect: ContainerInspect) => ComposeContainer = containerOf,
): Promise<ComposeContainer[]> {
  const found = await mapBounded(ids, AT_ONCE, signal, async (id, both) => {
    try {
      return [make(await docker.containers.inspect(id, { signal: both }))];
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  });
  return found.flat();
}
