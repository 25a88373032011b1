import type { Service, ServiceSpec, SwarmNode, Task } from "@belay/docker";
import { tasksOf } from "../observe/observe-services.ts";
import { surplusTasks } from "../observe/surplus-tasks.ts";
import { hasEnded, isUnwanted } from "../observe/translate-task.ts";
import { eligibleNodes } from "../spec/eligible-nodes.ts";
import { goalOf } from "../spec/service-mode.ts";
import type { TargetState } from "../target-state.ts";
import type { SwarmNow } from "./plan-services.ts";

/** What a plan is made from: all services, and the tasks of those that it may touch. */
export async function readSwarm(
  state: TargetState,
  services: readonly Service[],
  nodes: readonly SwarmNode[],
  isOwn: (service: Service) => boolean,
): Promise<SwarmNow> {
  const own = services.filter(isOwn);
  const tasks = Map.groupBy(await tasksOf(state, own), ({ ServiceID }) => ServiceID);
  return {
    scope: state.options.scope,
    services,
    networks: state.directory.networks,
    ready: new Map(own.map((one) => [one.ID, countReady(state, one, tasks.get(one.ID) ?? [])])),
    mixed: new Set(own.filter((one) => isMixed(state, one, tasks.get(one.ID) ?? [])).map(({ ID }) => ID)),
    nodesOf: (spec: ServiceSpec) => eligibleNodes(spec, nodes).length,
  };
}

/** Tasks of the revision in force that run (or ran to a good end), and are wanted. */
export function countReady(state: TargetState, service: Service, tasks: readonly Task[]): number {
  const revision = state.revisionInForce(service);
  const run = service.JobStatus?.JobIteration?.Index ?? 0;
  const own = tasks.filter(
    (task) => state.revisionOfTask(task) === revision && (task.JobIteration?.Index ?? 0) === run,
  );
  if (goalOf(service.Spec) === "complete") return own.filter(({ Status }) => Status.State === "complete").length;
  return own.filter((task) => task.Status.State === "running" && !isUnwanted(task)).length;
}

function isMixed(state: TargetState, service: Service, tasks: readonly Task[]): boolean {
  const revision = state.revisionInForce(service);
  const paused = /paused/.test(service.UpdateStatus?.State ?? "");
  const other = (task: Task): boolean =>
    !hasEnded(task) && !isUnwanted(task) && state.revisionOfTask(task) !== revision;
  return paused || tasks.some(other) || surplusTasks(tasks, (task) => state.revisionOfTask(task)).length > 0;
}
