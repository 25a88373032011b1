import type { Task } from "@belay/docker";
import { refusedInPassing, wasInterrupted } from "./refused-in-passing.ts";
import type { TargetState } from "./target-state.ts";
import { runsOnce, slotOf } from "./translate-task.ts";

/** A removed stack's network is gone from a node when its last container there has ended, which may take its grace period. */
const PATIENCE_MS = 60_000;

/**
 * The tasks that their nodes refused for what passes, and in whose place another one comes: they are no fault of the release.
 * What lasts is not excused for longer than a slot may wait, so that the last refusals decide with the engine's own words.
 * Times are those of the manager (`CreatedAt`), whatever the nodes' clocks say.
 */
export function excusedTasks(
  tasks: readonly Task[],
  { again, refusedSince }: Pick<TargetState, "again" | "refusedSince">,
): ReadonlySet<string> {
  const excused = new Set<string>();
  for (const task of tasks.filter(refusedInPassing)) {
    const key = keyOf(task);
    const createdAt = Date.parse(task.CreatedAt);
    const since = Math.min(createdAt, refusedSince.get(key) ?? createdAt);
    refusedSince.set(key, since);
    const passes = wasInterrupted(task) || createdAt - since < PATIENCE_MS;
    if (runsOnce(task) ? again.has(task.ID) : passes) excused.add(task.ID);
  }
  // What has got over it may meet another one later.
  if (refusedSince.size > 0) for (const task of tasks) if (isUp(task)) refusedSince.delete(keyOf(task));
  return excused;
}

function keyOf(task: Task): string {
  return `${task.ServiceID} ${slotOf(task)}`;
}

function isUp({ Status }: Task): boolean {
  return Status.State === "starting" || Status.State === "running";
}
