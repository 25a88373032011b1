import {
  type ContainerState,
  howOften,
  type Instance,
  type InstanceEvidence,
  mapBounded,
  type Observation,
  oneLine,
  type Wanted,
} from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { Note } from "../containers/container-notes.ts";
import type { TargetState } from "../target-state.ts";

const HEALTH_LENGTH = 1_000;
/** More failed copies of one service tell nothing new. */
const PER_SERVICE = 3;

/** Evidence of the failed instances, and of all new ones where none failed by itself (a probe said no). */
export async function collectDossier(
  state: TargetState,
  wanted: readonly Wanted[],
  observation: Observation,
  signal: AbortSignal,
): Promise<readonly InstanceEvidence[]> {
  const own = wanted.map(({ service, revision }) => {
    const observed = observation.services.find((one) => one.name === service);
    return { service, instances: observed?.instances.filter((one) => one.revision === revision) ?? [] };
  });
  const failed = own.flatMap(({ service, instances }) =>
    failedOnes(instances).map((instance) => ({ service, instance })),
  );
  const samples = own.flatMap(({ service, instances }) =>
    instances.slice(0, 1).map((instance) => ({ service, instance })),
  );
  // What is told of them from now on may be what this run does to them.
  const picked = (failed.length > 0 ? failed : samples).map((one) => {
    return { ...one, note: state.watch.noteOf(one.instance.id) };
  });
  const containers = await readPicked(
    state,
    picked.map(({ instance }) => instance),
    signal,
  );
  const found = picked.flatMap(({ service, instance, note }) => {
    const container = containers.find((one) => one.id === instance.id);
    return container === undefined ? [] : [{ service, container, note, seen: lastExitOf(instance) }];
  });
  return mapBounded(found, PER_SERVICE, signal, (one, both) => evidenceOf(state, one, both));
}

/** Those that have ended. Of those that are only not ready (yet) when none has. */
function failedOnes(instances: readonly Instance[]): readonly Instance[] {
  const ended = instances.filter((one) => lastExitOf(one) !== undefined);
  const waiting = instances.filter((one) => lastExitOf(one) === undefined && !one.ready);
  return (ended.length > 0 ? ended : waiting).slice(0, PER_SERVICE);
}

function lastExitOf({ containers }: Instance): ContainerState["lastExit"] {
  return containers.find(({ lastExit }) => lastExit !== undefined)?.lastExit;
}

/**
 * Those that ended as they were judged: they were read then, and an engine that is just starting one again would not answer
 * before it has. Others as they are now, with the output of their checks.
 */
async function readPicked(
  state: TargetState,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<readonly ComposeContainer[]> {
  const known = instances.flatMap((one) => (lastExitOf(one) === undefined ? [] : (state.watch.known(one.id) ?? [])));
  const have = new Set(known.map(({ id }) => id));
  const others = instances.filter(({ id }) => !have.has(id)).map(({ id }) => id);
  return [...known, ...(await state.watch.readExactly(others, signal))];
}

interface Failed {
  readonly service: string;
  readonly container: ComposeContainer;
  /** What events have told of it by the verdict. */
  readonly note: Note;
  /** The end that was judged: the engine may have started the container again since, and forgets it then. */
  readonly seen: ContainerState["lastExit"];
}

async function evidenceOf(
  state: TargetState,
  { service, container, note, seen }: Failed,
  signal: AbortSignal,
): Promise<InstanceEvidence> {
  const { State, RestartCount } = container.inspect;
  const { redactor } = state.options;
  const { lines, unknown } = await state.lastWords.of(container, signal);
  const shown = State.Status === "running" ? note.died?.code : State.ExitCode;
  const exitCode = seen?.code ?? shown;
  const oomKilled = State.OOMKilled || seen?.oomKilled === true;
  const health = State.Health?.Log?.findLast((result) => result.ExitCode !== 0)?.Output;
  const events = note.lines;
  return {
    service,
    instance: container.name,
    ...(exitCode === undefined || State.Status === "created" ? {} : { exitCode }),
    ...(oomKilled ? { oomKilled } : {}),
    ...(health === undefined ? {} : { healthOutput: oneLine(redactor.redact(health), HEALTH_LENGTH) }),
    logLines: lines,
    events: [
      ...(State.Error === "" ? [] : [`the engine could not start it: ${oneLine(redactor.redact(State.Error), 500)}`]),
      ...(RestartCount === 0 ? [] : [`restarted ${howOften(RestartCount)} by the engine`]),
      ...events,
    ],
    unknown: [
      ...unknown,
      ...(events.length === 0 ? ["the engine's events were not being followed"] : []),
      ...(RestartCount > 0 && !oomKilled
        ? ["whether an earlier start ended for lack of memory: the engine forgets that at the next start"]
        : []),
    ],
  };
}
