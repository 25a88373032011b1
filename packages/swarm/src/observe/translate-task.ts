import type { ContainerState, Digest, Goal, Instance, Phase } from "@belay/core";
import { isDigest } from "@belay/core";
import type { Task, TaskState } from "@belay/docker";
import type { LocalTask } from "./task-watch.ts";

/** What is known of a task besides what the manager shows. */
export interface TaskKnowledge {
  readonly revision: string;
  readonly title: string;
  readonly goal: Goal;
  /** No younger task of its slot exists. */
  readonly newest: boolean;
  /** It was seen on its way out. */
  readonly leaving: boolean;
  readonly local: LocalTask;
  /** `State.OOMKilled` of its container, where that can be seen. */
  readonly oom?: boolean;
  /** Its node refused it for what passes, and another one comes in its place. */
  readonly excused?: boolean;
}

/** How long a slot lives: its number, or the node of a global service. */
export function slotOf({ Slot, NodeID, ID }: Task): string {
  return String(Slot ?? NodeID ?? ID);
}

/** How people are told of a task of this service: what the judge names must be found again in the evidence. */
export function taskTitle(service: string, task: Task): string {
  return `${service}.${slotOf(task)}.${task.ID.slice(0, 8)}`;
}

const ENDED: readonly TaskState[] = ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"];

export function hasEnded({ Status }: Task): boolean {
  return ENDED.includes(Status.State);
}

/** The engine will end it, or has (its orchestrator wants it to be in one of these states). */
export function isUnwanted({ DesiredState }: Task): boolean {
  return ENDED.includes(DesiredState) && DesiredState !== "complete";
}

/** One task as an instance. Pure. */
export function translateTask(task: Task, known: TaskKnowledge): Instance {
  const ended = hasEnded(task);
  const container = containerOf(task, known);
  const died = !ended && known.local.exitCode !== undefined;
  const endedBy = ended || died ? whoEnded(task, known) : undefined;
  const running = task.Status.State === "running" && container.state === "running";
  return {
    id: task.ID,
    title: known.title,
    slot: slotOf(task),
    ...(task.NodeID === undefined ? {} : { node: task.NodeID }),
    revision: known.revision,
    phase: phaseOf(task, known),
    createdAt: Date.parse(task.CreatedAt),
    ...(endedBy === undefined ? {} : { endedBy }),
    ready: known.goal === "complete" ? task.Status.State === "complete" : running && container.health !== "unhealthy",
    containers: [container],
  };
}

/** An ended task counts as long as nothing has taken its place; of another revision than wanted it serves nothing. */
function phaseOf(task: Task, { newest }: TaskKnowledge): Phase {
  if (hasEnded(task)) return newest && !wasTaken(task) ? "current" : "history";
  return isUnwanted(task) ? "draining" : "current";
}

/** Scaled away, drained or updated: it is gone on purpose. */
function wasTaken(task: Task): boolean {
  return ["shutdown", "remove", "orphaned"].includes(task.Status.State) || wasEvicted(task);
}

/**
 * A running task is made `rejected` when its node meets the constraints no more that the service has now, a release's that are
 * wrong as well (swarmkit, `orchestrator/constraintenforcer`). That is no fault of the task.
 */
function wasEvicted({ Status }: Task): boolean {
  return Status.State === "rejected" && Status.Err === "assigned node no longer meets constraints";
}

/** The engine makes no other task in its place, however it ends. */
export function runsOnce({ Spec }: Pick<Task, "Spec">): boolean {
  return Spec.RestartPolicy?.Condition === "none";
}

/** It was no fault of the task, and another one comes. */
function isNodesFault(task: Task, { excused }: TaskKnowledge): boolean {
  return wasEvicted(task) || excused === true;
}

function whoEnded(task: Task, known: TaskKnowledge): NonNullable<Instance["endedBy"]> {
  if (task.Status.State === "orphaned" || isNodesFault(task, known)) return "node";
  if (known.leaving || known.local.killed) return "engine";
  if (isUnhealthy(task, known.local)) return "engine";
  return ["shutdown", "remove", "rejected"].includes(task.Status.State) ? "engine" : "self";
}

/** A check that failed makes the engine end the task, with these words (moby, `executor/container`, ErrContainerUnhealthy). */
function isUnhealthy({ Status }: Task, local: LocalTask): boolean {
  return local.health === "unhealthy" || (Status.State === "failed" && /unhealthy/i.test(Status.Err ?? ""));
}

function containerOf(task: Task, known: TaskKnowledge): ContainerState {
  const { local } = known;
  const state = local.exitCode !== undefined && !hasEnded(task) ? "exited" : STATES[task.Status.State];
  const exit = exitOf(task, known, state);
  const reason = state === "running" || exit?.code === 0 ? undefined : reasonOf(task, known);
  return {
    name: "main",
    role: "main",
    digests: digestsIn(task.Spec.ContainerSpec?.Image ?? ""),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(task.Status.State === "preparing" ? { message: PREPARING } : {}),
    restarts: 0,
    health: healthOf(task, known),
    ...(exit === undefined ? {} : { lastExit: exit }),
  };
}

/** All that a node tells until the image is pulled, however long that hangs (moby, `controller.Prepare`). */
const PREPARING = "preparing (its node makes its networks and volumes, and pulls the image)";

const STATES = {
  new: "waiting",
  allocated: "waiting",
  pending: "waiting",
  assigned: "waiting",
  accepted: "waiting",
  preparing: "waiting",
  ready: "waiting",
  // The engine calls a task running only when its health check has passed.
  starting: "running",
  running: "running",
  complete: "exited",
  shutdown: "exited",
  failed: "exited",
  rejected: "dead",
  remove: "exited",
  orphaned: "dead",
} as const satisfies Record<TaskState, ContainerState["state"]>;

function healthOf(task: Task, { local, leaving }: TaskKnowledge): ContainerState["health"] {
  // Whoever was told to end may fail its check while it does.
  if (!leaving && !isUnwantedAlive(task) && isUnhealthy(task, local)) return "unhealthy";
  if (task.Status.State === "starting") return "starting";
  return local.health === "healthy" && task.Status.State === "running" ? "healthy" : "none";
}

function isUnwantedAlive(task: Task): boolean {
  return isUnwanted(task) && !hasEnded(task);
}

function exitOf(task: Task, known: TaskKnowledge, state: ContainerState["state"]): ContainerState["lastExit"] {
  const { local, oom } = known;
  if (state !== "exited" && state !== "dead") return undefined;
  const { ContainerStatus, Err, State, Timestamp } = task.Status;
  const at = Date.parse(Timestamp ?? "");
  const shown = ContainerStatus?.ExitCode ?? 0;
  // A task that never had a container shows 0 as well.
  const code = local.exitCode ?? (shown === 0 && State !== "complete" && State !== "shutdown" ? 1 : shown);
  return {
    code,
    oomKilled: oom === true || local.oom === true,
    ...(neverRan(task, known) && Err ? { error: Err } : {}),
    ...(Number.isNaN(at) ? {} : { at }),
  };
}

function neverRan(task: Task, known: TaskKnowledge): boolean {
  const { Status } = task;
  return (
    (Status.State === "rejected" && !isNodesFault(task, known)) ||
    (Status.State === "failed" && /^starting container failed/.test(Status.Err ?? ""))
  );
}

/** Why no container came to run, in the words that the judge knows (moby, `executor/container/{adapter,controller}.go`). */
function reasonOf(task: Task, known: TaskKnowledge): string | undefined {
  if (!neverRan(task, known)) return undefined;
  const text = task.Status.Err ?? "";
  if (/^no such image|pull access denied|manifest unknown|manifest for .* not found/i.test(text)) return "ErrImagePull";
  if (/invalid mount config|bind source path|(secret|config|network|volume)\b.*not found/i.test(text)) {
    return "CreateContainerConfigError";
  }
  return task.Status.State === "rejected" ? "CreateContainerError" : "StartError";
}

export function digestsIn(image: string): Digest[] {
  const digest = image.split("@")[1] ?? "";
  return isDigest(digest) ? [digest] : [];
}
