import type { Task } from "@belay/docker";
import type { TaskWatch } from "./task-watch.ts";
import { runsOnce } from "./translate-task.ts";

/** What an engine that starts says of a container whose end nobody saw (moby, `daemon/daemon.go`, restore). */
const UNKNOWN_EXIT = 255;

/**
 * How what is told to end ends: by itself, by the signal (SIGINT, SIGTERM), or by SIGKILL when its time is over. An engine that
 * is stopped tells all of its containers so.
 */
const TOLD_EXITS = [0, 130, 143, 137];

/**
 * Whether a task ended because its engine did, or by its mistake, which says nothing of the release. A killed engine's
 * containers have ended with 255 when it is back. Of one that was stopped in good order they are gone, or are there with the
 * exit that they were told to make: it depends on whether the swarm's agent still put them away (both seen on 20.10). An
 * application that itself ends so is told from them by the event of its end, which was heard; at the latest its next end is.
 * Only of the node that is talked to this can be known.
 */
export function diedWithEngine(
  task: Task,
  { node, watch }: { readonly node: string; readonly watch: Pick<TaskWatch, "wasBroken" | "local"> },
): boolean {
  const { State, Err = "", ContainerStatus } = task.Status;
  if (watch.local(task.ID).revived) return true;
  if (!["failed", "complete"].includes(State) || task.NodeID !== node || !watch.wasBroken) return false;
  if (watch.local(task.ID).exitCode !== undefined) return false;
  if (State === "failed" && /^No such container: /.test(Err)) return true;
  const exit = ContainerStatus?.ExitCode ?? 0;
  // The good end of what is to end is its own, and so may any other of it be: no other task comes in its place.
  if (runsOnce(task) || task.JobIteration != null) return State === "failed" && exit === UNKNOWN_EXIT;
  return exit === UNKNOWN_EXIT || (TOLD_EXITS.includes(exit) && hadEnd(task));
}

/** What failed without an exit of its container shows 0 as well, with the engine's words of why. */
function hadEnd({ Status: { State, Err = "" } }: Task): boolean {
  return State === "complete" || /^task: non-zero exit/.test(Err);
}
