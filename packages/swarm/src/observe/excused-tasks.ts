import type { Task } from "@belay/docker";
import type { TargetState } from "../target-state.ts";
import { refusedInPassing, wasInterrupted } from "./refused-in-passing.ts";
import { runsOnce, slotOf } from "./translate-task.ts";

/** A removed stack's network is gone from a node when its last container there has ended, which may take its grace period. */
const PATIENCE_MS = 60_000;

type Known = Pick<TargetState, "again" | "refusedSince">;

/**
 * The tasks that their nodes refused for what passes, and in whose place another one comes: they are no fault of the release.
 * What lasts is not excused for longer than a slot may wait, so that the last refusals decide with the engine's own words.
 * Times are those of the manager (`CreatedAt`), whatever the nodes' clocks say.
 */
export function excusedTasks(tasks: readonly Task[], known: Known): ReadonlySet<string> {
  if (known.refusedSince.size === 0 && !tasks.some(refusedInPassing)) return new Set();
  const slots = [...Map.groupBy(tasks, (task) => `${task.ServiceID} ${slotOf(task)}`)];
  return new Set(
    slots.flatMap(([slot, own]) => {
      const byAge = own.toSorted((a, b) => madeAt(a) - madeAt(b));
      return [...excusedOf(byAge, false, slot, known), ...excusedOf(byAge, true, `${slot} interrupted`, known)];
    }),
  );
}

/**
 * Of one slot, oldest first, for one of the reasons. What it has got over does not count for what it meets later, but a task
 * that is older than those refused, as the old one that goes on running when the new one is started first, shows no such thing.
 */
function excusedOf(
  byAge: readonly Task[],
  interrupted: boolean,
  key: string,
  { again, refusedSince }: Known,
): string[] {
  const excused: string[] = [];
  const known = refusedSince.get(key);
  let since = Number.POSITIVE_INFINITY;
  let gotOverAt = Number.NEGATIVE_INFINITY;
  for (const task of byAge) {
    const at = madeAt(task);
    if (!refusedInPassing(task)) {
      if (hadContainer(task)) [gotOverAt, since] = [at, Number.POSITIVE_INFINITY];
      continue;
    }
    if (wasInterrupted(task) !== interrupted) continue;
    // The first ones may not be listed any more.
    since = Math.min(since, at, known !== undefined && known > gotOverAt ? known : at);
    if (runsOnce(task) ? again.has(task.ID) : at - since < PATIENCE_MS) excused.push(task.ID);
  }
  if (Number.isFinite(since)) refusedSince.set(key, since);
  else if (known !== undefined && known < gotOverAt) refusedSince.delete(key);
  return excused;
}

function madeAt({ CreatedAt }: Task): number {
  return Date.parse(CreatedAt);
}

/** Also one that has ended since: it had its networks, and was prepared. */
function hadContainer({ Status }: Task): boolean {
  return ["starting", "running"].includes(Status.State) || Boolean(Status.ContainerStatus?.ContainerID);
}
