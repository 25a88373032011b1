import type { Service, SwarmNode, Task } from "@belay/docker";
import { wasInterrupted } from "./refused-in-passing.ts";
import { slotOf } from "./translate-task.ts";

/** What decides whether a task's end is its node's doing. */
export interface NodesDoing {
  readonly nodes: readonly SwarmNode[];
  /** Tasks that were seen on their way out. */
  readonly leaving: ReadonlySet<string>;
  /** Tasks that were refused for what passes. */
  readonly excused: ReadonlySet<string>;
}

export interface PausedByNode {
  readonly task: Task;
  /** The update may be told to go on. */
  readonly mayGoOn: boolean;
}

/**
 * The task for which the engine paused an update although its end says nothing of the release: the node was drained or lost,
 * or broke off its start, or the task was told to end. The engine's updater counts every early end as a failure (swarmkit, `orchestrator/update`).
 *
 * A node that is still there may break off the next start as well. The engine makes another task in that one's place, which an
 * update that goes on takes for done and does not wait for (`useExistingTask`): it would take away one old task after the
 * other. So that one has to run first.
 */
export function pausedByNode(
  { UpdateStatus }: Service,
  tasks: readonly Task[],
  { nodes, leaving, excused }: NodesDoing,
): PausedByNode | undefined {
  if (!isPaused(UpdateStatus?.State)) return undefined;
  const task = tasks.find(({ ID }) => UpdateStatus?.Message?.includes(ID));
  if (task === undefined) return undefined;
  const node = nodes.find(({ ID }) => ID === task.NodeID);
  const lost = node === undefined || node.Status.State !== "ready" || node.Spec.Availability !== "active";
  const told = ["shutdown", "orphaned", "remove"].includes(task.Status.State) || leaving.has(task.ID);
  if ((task.NodeID !== undefined && lost) || told) return { task, mayGoOn: true };
  if (!wasInterrupted(task) || !excused.has(task.ID)) return undefined;
  return { task, mayGoOn: tasks.some((one) => runsInstead(one, task)) };
}

function runsInstead(one: Task, of: Task): boolean {
  const isYounger = Date.parse(one.CreatedAt) > Date.parse(of.CreatedAt);
  return one.Status.State === "running" && slotOf(one) === slotOf(of) && isYounger;
}

export function isPaused(state: string | undefined): boolean {
  return state === "paused" || state === "rollback_paused";
}
