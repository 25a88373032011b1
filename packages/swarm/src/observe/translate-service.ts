import type { Condition, Instance, ObservedService, Wanted } from "@belay/core";
import type { Service, SwarmNode, Task } from "@belay/docker";
import { eligibleNodes, isAnyUnheard } from "../spec/eligible-nodes.ts";
import { isJob, modeOf } from "../spec/service-mode.ts";
import { isPaused, pausedByNode } from "./paused-by-node.ts";
import type { LocalTask } from "./task-watch.ts";
import { hasEnded, isUnwanted, slotOf, type TaskKnowledge, taskTitle } from "./translate-task.ts";

/** What the target knows besides what the manager shows at this moment. */
export interface Knowledge {
  /** Full name of the service. */
  readonly name: string;
  readonly revisionOf: (task: Task) => string;
  /** {@link translateTask}, or what remembers what it made. */
  readonly translate: (task: Task, known: TaskKnowledge) => Instance;
  readonly inForce: (service: Service) => string;
  readonly leaving: ReadonlySet<string>;
  readonly local: (task: string) => LocalTask;
  readonly oom: ReadonlySet<string>;
  /** Tasks that were refused for what passes. */
  readonly excused: ReadonlySet<string>;
  readonly nodes: readonly SwarmNode[];
  /** The revision that Belay wrote, or has nothing to change of: another one in force, or none, is somebody else's doing. */
  readonly written: string | undefined;
}

/** One wanted service with its tasks. A service that does not exist has none. Pure. */
export function translateService(
  wanted: Wanted,
  service: Service | undefined,
  tasks: readonly Task[],
  known: Knowledge,
): ObservedService {
  const own = service === undefined ? [] : ofThisRun(service, tasks);
  const newest = newestPerSlot(own);
  return {
    name: wanted.service,
    kind: service === undefined ? "replicated" : modeOf(service.Spec),
    goal: wanted.goal,
    desired: desiredOf(wanted, service, known.nodes),
    wantedRevision: wanted.revision,
    conditions:
      service === undefined
        ? removal(known)
        : [...engineConditions(wanted, service, tasks, known), ...pending(wanted, own, known)],
    instances: own.map((task) =>
      known.translate(task, {
        revision: known.revisionOf(task),
        title: taskTitle(known.name, task),
        goal: wanted.goal,
        newest: newest.get(slotOf(task)) === task,
        leaving: known.leaving.has(task.ID),
        local: known.local(task.ID),
        oom: known.oom.has(task.ID),
        excused: known.excused.has(task.ID),
      }),
    ),
  };
}

/** No engine removes a service by itself. Who does so may be about to make it again. */
function removal({ name, written }: Knowledge): Condition[] {
  if (written === undefined) return [];
  return [{ type: "drifted", message: `somebody else removed ${name} in between`, mayPass: true }];
}

/** A job keeps the tasks of its earlier runs. */
function ofThisRun({ Spec, JobStatus }: Service, tasks: readonly Task[]): readonly Task[] {
  if (!isJob(Spec)) return tasks;
  const run = JobStatus?.JobIteration?.Index ?? 0;
  return tasks.filter((task) => (task.JobIteration?.Index ?? 0) === run);
}

/** Of the tasks that are wanted the youngest one, of each slot; without one the youngest that has ended. */
function newestPerSlot(tasks: readonly Task[]): ReadonlyMap<string, Task> {
  const newest = new Map<string, Task>();
  for (const task of tasks) {
    const slot = slotOf(task);
    const other = newest.get(slot);
    if (other === undefined || !isBefore(task, other)) newest.set(slot, task);
  }
  return newest;
}

function isBefore(one: Task, other: Task): boolean {
  const gone = isUnwanted(one);
  return gone === isUnwanted(other) ? Date.parse(one.CreatedAt) < Date.parse(other.CreatedAt) : gone;
}

function desiredOf(wanted: Wanted, service: Service | undefined, nodes: readonly SwarmNode[]): number {
  if (service === undefined || wanted.desired === 0) return wanted.desired;
  const mode = modeOf(service.Spec);
  if (mode === "global" || mode === "global job") return eligibleNodes(service.Spec, nodes).length;
  // A scale by hand in mid-deployment is the user's: it is kept, so it counts.
  return mode === "replicated" ? (service.Spec.Mode?.Replicated?.Replicas ?? wanted.desired) : wanted.desired;
}

/** What the engine, or somebody else, did with the service as a whole. */
function engineConditions(wanted: Wanted, service: Service, tasks: readonly Task[], known: Knowledge): Condition[] {
  const { State, Message = "" } = service.UpdateStatus ?? {};
  const message = (): string => `${Message}${errorOf(Message, tasks)}`;
  const inForce = known.inForce(service);
  // The engine takes the end of a task for a failure, a good end too.
  if (wanted.goal === "complete") return [];
  if (isPaused(State)) {
    // What a node's end made the engine do says nothing of the release.
    return pausedByNode(service, tasks, known) ? [] : [{ type: "engine_paused", message: message() }];
  }
  if (inForce === wanted.revision || known.written === undefined) return [];
  if (State?.startsWith("rollback")) return [{ type: "engine_rolled_back", message: message() }];
  if (inForce === known.written) return [];
  return [{ type: "drifted", message: `somebody else changed ${service.Spec.Name} in between` }];
}

/** The engine names the task for which it acted: that task's own words say why. */
function errorOf(message: string, tasks: readonly Task[]): string {
  const task = tasks.find(({ ID }) => message.includes(ID));
  return task?.Status.Err ? ` (${task.Status.Err})` : "";
}

/**
 * Tasks for which no node is found stay so for ever, and no updater of the engine's gives up on them. A new leader finds none
 * either before it has heard of the nodes, which says nothing: then only the start time counts.
 */
function pending(wanted: Wanted, tasks: readonly Task[], known: Knowledge): Condition[] {
  const unheard = isAnyUnheard(known.nodes);
  const waiting = tasks.filter((task) => lacksNode(task) && !(unheard && lacksReadyNode(task)));
  const own = waiting.filter((task) => known.revisionOf(task) === wanted.revision);
  return [...new Set(own.map(({ Status }) => Status.Err ?? ""))].map((message) => ({ type: "unschedulable", message }));
}

function lacksNode(task: Task): boolean {
  return task.Status.State === "pending" && !hasEnded(task) && !isUnwanted(task) && Boolean(task.Status.Err);
}

/** Nodes are down, drained, or not heard of yet (swarmkit, `scheduler.ReadyFilter`, "Explain"). */
export function lacksReadyNode(task: Task): boolean {
  return lacksNode(task) && task.Status.Err?.includes("not available for new tasks") === true;
}
