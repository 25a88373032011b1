import type { Task } from "@belay/docker";

/**
 * Whether a node refused a task for what is over in a moment, which says nothing of the release. It has had no container, and
 * the task that comes in its place, where there is to be one, finds it otherwise.
 */
export function refusedInPassing(task: Pick<Task, "Status">): boolean {
  return metOldNetwork(task) || wasInterrupted(task);
}

/**
 * A manager gives a new network the addresses of one that was just removed, and its node refuses the task while it still has
 * that one (moby, `libnetwork/ipamapi`, ErrPoolOverlap; seen on API 1.52).
 */
function metOldNetwork({ Status }: Pick<Task, "Status">): boolean {
  return isRejected(Status, "Pool overlaps with other one on this address space");
}

/**
 * A task that comes in another one's place is prepared before it may run. When it may, its node breaks off what it is at and
 * begins anew (swarmkit, `agent/task.go`). It knows its own interruption by the error as such (`agent/exec/controller.go`,
 * `fatal`), but from containerd, where current engines keep their images, it comes back in words, and so the task is refused.
 */
export function wasInterrupted({ Status }: Pick<Task, "Status">): boolean {
  return isRejected(Status, "context canceled");
}

function isRejected({ State, Err = "" }: Task["Status"], words: string): boolean {
  return State === "rejected" && Err.includes(words);
}
