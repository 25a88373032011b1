import type { Condition, ContainerState, Digest, Instance, ObservedService, Phase, Wanted } from "@belay/core";
import type { ContainerState as EngineState } from "@belay/docker";
import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import type { Death, Note } from "../containers/container-notes.ts";
import { othersDoing, type WayFacts } from "../containers/others-doing.ts";

/** What the target knows besides what the engine shows at this moment. */
export interface Knowledge {
  readonly digests: ReadonlyMap<string, readonly Digest[]>;
  /** Containers that Belay is stopping. */
  readonly stopping: ReadonlySet<string>;
  /** What the engine's events told: a container that runs again no longer shows how it ended last. */
  readonly noteOf: (id: string) => Pick<Note, "died" | "killed">;
  /** Whether a container ended because its engine did. */
  readonly diedWithEngine: (container: ComposeContainer) => boolean;
  /** The engine was away and is back for long enough: what it has not started again by now stays down. */
  readonly engineIsBack: boolean;
  /** Engine's time, milliseconds since 1970. */
  readonly now: number;
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  /** Containers that Belay stopped and started again, with the engine's time of that start. */
  readonly restarted: ReadonlyMap<string, number>;
  /** While a way is under way. */
  readonly way?: WayFacts;
}

/** One wanted service with the containers that belong to it. Pure, if `instanceOf` is. */
export function translateService(
  wanted: Wanted,
  containers: readonly ComposeContainer[],
  known: Knowledge,
  instanceOf: typeof translateInstance = translateInstance,
): ObservedService {
  return {
    name: wanted.service,
    kind: "container",
    goal: wanted.goal,
    desired: wanted.desired,
    wantedRevision: wanted.revision,
    conditions: [
      ...(known.conditions.get(wanted.service) ?? []),
      ...startFailures(wanted, containers),
      ...containers.flatMap((one) => endedByOthers(wanted, one, known)),
      ...(known.way === undefined ? [] : othersDoing(wanted, containers, known.way)),
    ],
    instances: containers.map((container) => instanceOf(wanted, container, known)),
  };
}

export function translateInstance(wanted: Wanted, container: ComposeContainer, known: Knowledge): Instance {
  const { State } = container.inspect;
  const state = translateContainer(container, known);
  const ended = state.state === "exited" || state.state === "dead";
  return {
    id: container.id,
    title: container.name,
    slot: container.number,
    revision: container.revision,
    phase: phaseOf(wanted, container, known.stopping),
    createdAt: container.createdAt,
    ...(ended ? { endedBy: endedByItself(wanted, container, known) ? "self" : "engine" } : {}),
    ready: wanted.goal === "complete" ? ended && State.ExitCode === 0 && State.Error === "" : isReady(state),
    containers: [state],
  };
}

/** Of another revision only what may still serve counts as current; what has ended or never begun is history. */
function phaseOf(wanted: Wanted, container: ComposeContainer, stopping: ReadonlySet<string>): Phase {
  if (isLive(container)) return stopping.has(container.id) ? "draining" : "current";
  return container.revision === wanted.revision ? "current" : "history";
}

function isReady(state: ContainerState): boolean {
  return state.state === "running" && (state.health === "none" || state.health === "healthy");
}

export function translateContainer(container: ComposeContainer, known: Knowledge): ContainerState {
  const { State, RestartCount, Image } = container.inspect;
  const exit = lastExit(State, known.noteOf(container.id).died);
  const own = exit?.at !== undefined && exit.at < (known.restarted.get(container.id) ?? 0);
  return {
    name: container.service,
    role: "main",
    digests: known.digests.get(Image) ?? [],
    state: STATES[State.Status],
    restarts: RestartCount,
    // The engine calls a container unhealthy as soon as it stops, and one that waits for its restart "running".
    health: State.Running && !State.Restarting ? (State.Health?.Status ?? "none") : "none",
    ...(exit === undefined || own ? {} : { lastExit: exit }),
  };
}

const STATES = {
  created: "waiting",
  running: "running",
  paused: "paused",
  restarting: "restarting",
  removing: "dead",
  exited: "exited",
  dead: "dead",
} as const satisfies Record<EngineState["Status"], ContainerState["state"]>;

function lastExit(state: EngineState, remembered: Death | undefined): ContainerState["lastExit"] {
  const at = Date.parse(state.FinishedAt);
  const shown = state.Status !== "running" && state.Status !== "paused";
  // A failed start leaves `created` with the message and no time.
  if (shown && state.Error !== "") {
    return { code: state.ExitCode, oomKilled: state.OOMKilled, error: state.Error, ...(at > 0 ? { at } : {}) };
  }
  // The zero time (year 1) means that it has never ended.
  if (shown && at > 0) return { code: state.ExitCode, oomKilled: state.OOMKilled, at };
  if (remembered === undefined) return undefined;
  // The engine keeps the time of the last end: the same exit must look the same before and after the next start.
  const oomKilled = state.OOMKilled || remembered.oomKilled === true;
  return { code: remembered.code, oomKilled, at: at > 0 ? at : remembered.at };
}

/** Containers of the wanted revision that the engine could not start at all (no such command, a taken port). */
function startFailures(wanted: Wanted, containers: readonly ComposeContainer[]): Condition[] {
  const failed = containers.filter(
    ({ revision, inspect: { State } }) =>
      revision === wanted.revision && State.Status === "created" && State.Error !== "",
  );
  return failed.map(({ name, inspect }) => ({ type: "start_failed", message: `${name}: ${inspect.State.Error}` }));
}

/** How long one that somebody else has ended may stay down before that is a change: it may be a restart by hand. */
const RESTART_MS = 2_000;

/** Nobody told it to end, and its engine was there. What runs once has failed, whoever ended it. */
function endedByItself(wanted: Wanted, container: ComposeContainer, known: Knowledge): boolean {
  const { Error: failure } = container.inspect.State;
  const told = wanted.goal === "run" && known.noteOf(container.id).killed !== undefined;
  return failure === "" && !told && !known.diedWithEngine(container);
}

/** Containers of the wanted revision that ended with their engine or by somebody else, and that nobody starts again. */
function endedByOthers(wanted: Wanted, container: ComposeContainer, known: Knowledge): Condition[] {
  const { id, name, revision, inspect } = container;
  const { Status, ExitCode } = inspect.State;
  const own = known.stopping.has(id) || known.restarted.has(id);
  const ended = Status === "exited" || Status === "dead";
  if (own || !ended || revision !== wanted.revision || (wanted.goal === "complete" && ExitCode === 0)) return [];
  if (known.diedWithEngine(container)) {
    if (!known.engineIsBack) return [];
    const policy = inspect.HostConfig.RestartPolicy?.Name || "no";
    const message = `${name} ended with its engine, which does not start it again (restart: ${policy})`;
    return [{ type: "start_failed", message }];
  }
  const { killed, died } = known.noteOf(id);
  const settled = known.now - (died?.at ?? 0) >= RESTART_MS;
  if (killed === undefined || wanted.goal === "complete" || !settled) return [];
  return [{ type: "drifted", message: `somebody else ended ${name} (signal ${killed.signal})` }];
}
