import type { Task } from "@belay/docker";
import type { TaskWatch } from "./task-watch.ts";

/** What an engine that starts says of a container whose end nobody saw (moby, `daemon/daemon.go`, restore). */
const UNKNOWN_EXIT = 255;

/**
 * Whether a task ended because its engine did, or by its mistake, which says nothing of the release. A killed engine's
 * containers have ended with 255 when it is back, and those of one that was stopped in good order are gone; an application that
 * itself ends with 255 is told from them by the event of its end, which was heard. Only of the node that is talked to this can
 * be known.
 */
export function diedWithEngine(
  task: Task,
  { node, watch }: { readonly node: string; readonly watch: Pick<TaskWatch, "wasBroken" | "local"> },
): boolean {
  const { State, Err = "", ContainerStatus } = task.Status;
  if (watch.local(task.ID).revived) return true;
  if (State !== "failed" || task.NodeID !== node || !watch.wasBroken) return false;
  if (watch.local(task.ID).exitCode !== undefined) return false;
  return ContainerStatus?.ExitCode === UNKNOWN_EXIT || /^No such container: /.test(Err);
}
