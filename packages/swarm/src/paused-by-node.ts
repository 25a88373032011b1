import type { Service, SwarmNode, Task } from "@belay/docker";
import { wasInterrupted } from "./refused-in-passing.ts";

/**
 * The task for which the engine paused an update although its end says nothing of the release: the node was drained or lost,
 * or broke off its start, or the task was told to end. The engine's updater counts every early end as a failure (swarmkit, `orchestrator/update`).
 */
export function pausedByNode(
  { UpdateStatus }: Service,
  tasks: readonly Task[],
  nodes: readonly SwarmNode[],
  leaving: ReadonlySet<string>,
): Task | undefined {
  if (!isPaused(UpdateStatus?.State)) return undefined;
  const task = tasks.find(({ ID }) => UpdateStatus?.Message?.includes(ID));
  if (task === undefined) return undefined;
  const node = nodes.find(({ ID }) => ID === task.NodeID);
  const lost = node === undefined || node.Status.State !== "ready" || node.Spec.Availability !== "active";
  const told = ["shutdown", "orphaned", "remove"].includes(task.Status.State) || leaving.has(task.ID);
  return (task.NodeID !== undefined && lost) || told || wasInterrupted(task) ? task : undefined;
}

export function isPaused(state: string | undefined): boolean {
  return state === "paused" || state === "rollback_paused";
}
