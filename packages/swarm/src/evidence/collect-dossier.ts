import { type InstanceEvidence, mapBounded, type Observation, oneLine, tail, type Wanted } from "@belay/core";
import { type CallOptions, type ContainerInspect, isNotFound, type LogLine, type Task } from "@belay/docker";
import { taskTitle } from "../observe/translate-task.ts";
import type { TargetState } from "../target-state.ts";

const LOG_LINES = 50;
const HEALTH_LENGTH = 1_000;
/** More failed tasks of one service tell nothing new. */
const PER_SERVICE = 3;
/**
 * A manager that waits for another node's log may wait for long. All logs together have less than a dossier has in all: what
 * else is known of the tasks must not be lost with them.
 */
const LOG_MS = 2_500;

/** Evidence of the failed tasks, and of new ones where none failed by itself (a probe said no). */
export async function collectDossier(
  state: TargetState,
  wanted: readonly Wanted[],
  observation: Observation,
  signal: AbortSignal,
): Promise<readonly InstanceEvidence[]> {
  const own = wanted.flatMap(({ service, revision }) => {
    const instances = observation.services.find(({ name }) => name === service)?.instances ?? [];
    return instances.filter((one) => one.revision === revision).map((instance) => ({ service, instance }));
  });
  // Dead tasks of an earlier attempt at the same release are listed as well, and tell nothing of this one.
  const fresh = own.filter(({ instance }) => !state.earlier?.has(instance.id));
  const young = (fresh.length > 0 ? fresh : own).toSorted((a, b) => b.instance.createdAt - a.instance.createdAt);
  const failed = young.filter(
    ({ instance }) =>
      instance.endedBy === "self" ||
      instance.containers.some(({ health, lastExit }) => health === "unhealthy" || lastExit?.error),
  );
  const unready = young.filter(({ instance }) => !instance.ready && instance.phase !== "draining");
  const picked = [failed, unready, young].find((list) => list.length > 0) ?? [];
  const perService = [...Map.groupBy(picked, ({ service }) => service).values()].flatMap((list) =>
    list.slice(0, PER_SERVICE),
  );
  // As they were at the look that decided: reading them again would only keep the way back waiting.
  const found = perService.flatMap(({ service, instance }) => {
    const task = state.memo.task(instance.id);
    return task === undefined ? [] : [{ service, task }];
  });
  const until = state.options.clock.now() + LOG_MS;
  return mapBounded(found, PER_SERVICE, signal, ({ service, task }, both) =>
    evidenceOf(state, { service, task, until }, both),
  );
}

interface Found {
  readonly service: string;
  readonly task: Task;
  /** When its log must have come, by this machine's clock. */
  readonly until: number;
}

async function evidenceOf(
  state: TargetState,
  { service, task, until }: Found,
  signal: AbortSignal,
): Promise<InstanceEvidence> {
  const { redactor } = state.options;
  const { Status } = task;
  const [container, log] = await Promise.all([containerOf(state, task, signal), readLog(state, task, until, signal)]);
  const local = state.watch.local(task.ID);
  const ended =
    ["failed", "complete", "shutdown"].includes(Status.State) && Boolean(Status.ContainerStatus?.ContainerID);
  const exitCode = local.exitCode ?? (ended ? Status.ContainerStatus?.ExitCode : undefined);
  const health = container?.State.Health?.Log?.findLast(({ ExitCode }) => ExitCode !== 0)?.Output;
  const said = Status.Err ? [`${Status.State}: ${oneLine(redactor.redact(Status.Err), 500)}`] : [];
  return {
    service,
    instance: taskTitle(state.nameOf(service), task),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(container?.State.OOMKilled || local.oom ? { oomKilled: true } : {}),
    ...(health === undefined ? {} : { healthOutput: oneLine(redactor.redact(health), HEALTH_LENGTH) }),
    logLines: log.lines,
    events: [...said, ...state.watch.eventsOf(task.ID)],
    unknown: [...log.unknown, ...unknownOf(state, task, container)],
  };
}

/** The node's events tell it before the manager does. */
function containerId({ watch }: TargetState, { ID, Status }: Task): string | undefined {
  return Status.ContainerStatus?.ContainerID || watch.local(ID).container;
}

/** Only containers of the node that is talked to can be looked into. */
async function containerOf(state: TargetState, task: Task, signal: AbortSignal): Promise<ContainerInspect | undefined> {
  const id = containerId(state, task);
  if (id === undefined || task.NodeID !== state.node) return undefined;
  try {
    return await state.docker.containers.inspect(id, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function unknownOf(state: TargetState, task: Task, container: ContainerInspect | undefined): string[] {
  if (containerId(state, task) === undefined || container !== undefined) return [];
  const where = task.NodeID === state.node ? "its container is gone" : `it ran on another node (${task.NodeID})`;
  return [`whether it ended for lack of memory, and what its health check said: ${where}`];
}

async function readLog(
  state: TargetState,
  task: Task,
  until: number,
  signal: AbortSignal,
): Promise<{ lines: string[]; unknown: string[] }> {
  const id = containerId(state, task);
  if (id === undefined) return { lines: [], unknown: ["it has no log: no container was made"] };
  try {
    const lines = await logOf(state, task, id, { signal, deadlineMs: Math.max(1, until - state.options.clock.now()) });
    const texts = lines.flatMap(({ text }) => tail(text, 1));
    return { lines: texts.map((text) => state.options.redactor.redact(text)), unknown: [] };
  } catch (error) {
    signal.throwIfAborted();
    return {
      lines: [],
      unknown: [`its log could not be read: ${oneLine(state.options.redactor.redact(String(error)), 200)}`],
    };
  }
}

/** From the container itself, where that is on this node and still there; else the manager asks its node. */
async function logOf(state: TargetState, task: Task, id: string, options: CallOptions): Promise<readonly LogLine[]> {
  const query = { tail: LOG_LINES, tty: task.Spec.ContainerSpec?.TTY === true };
  if (task.NodeID === state.node) {
    try {
      return await state.docker.containers.logs(id, query, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return state.docker.tasks.logs(task.ID, query, options);
}
