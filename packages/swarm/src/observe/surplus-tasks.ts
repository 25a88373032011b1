import type { Task } from "@belay/docker";
import { hasEnded, isUnwanted, slotOf } from "./translate-task.ts";

/**
 * Tasks that one slot has too many: of the same spec as a younger one there, and both are to run. An update that starts tasks
 * first leaves such a pair when a node is drained in the middle of it (seen on 20.10), and nothing takes it away until the
 * service is written again: the engine's updater then ends all of a slot but one (swarmkit, `orchestrator/update`,
 * isSlotDirty).
 */
export function surplusTasks(tasks: readonly Task[], revisionOf: (task: Task) => string): readonly Task[] {
  const living = tasks.filter((task) => task.DesiredState === "running" && !hasEnded(task) && !isUnwanted(task));
  const slots = Map.groupBy(living, (task) => `${task.ServiceID} ${slotOf(task)}`);
  // Most slots have one task, of which nothing more is asked.
  const shared = [...slots.values()].filter((slot) => slot.length > 1);
  return shared
    .flatMap((slot) => [...Map.groupBy(slot, revisionOf).values()])
    .flatMap((alike) => alike.toSorted((a, b) => Date.parse(b.CreatedAt) - Date.parse(a.CreatedAt)).slice(1));
}
