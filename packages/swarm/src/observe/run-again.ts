import type { Service, Services, Task } from "@belay/docker";
import { goalOf } from "../spec/service-mode.ts";
import type { SwarmOptions } from "../swarm-options.ts";
import type { TargetState } from "../target-state.ts";
import { changeInPassing } from "./change-in-passing.ts";
import { refusedInPassing } from "./refused-in-passing.ts";
import { runsOnce } from "./translate-task.ts";

/** What is needed of {@link TargetState}. */
type Rerun = Pick<TargetState, "revisionInForce" | "revisionOfTask" | "again" | "attempts"> & {
  readonly docker: { readonly services: Pick<Services, "update"> };
  readonly options: Pick<SwarmOptions, "clock" | "log">;
};

/** How often the engine was told to run a service again on this way, and since when, by the monotonic clock. */
export interface Attempts {
  readonly since: number;
  readonly times: number;
}

/**
 * A node keeps the network of a removed stack until its last container there has ended, which may take its grace period. What
 * is refused after both lasts: a bridge of the node has the addresses that the stack asks for.
 */
const PATIENCE = { ms: 30_000, times: 10 } as const;

/**
 * What runs once and was refused by its node, for what is over by then, has had no container, and the engine makes no other
 * task for it: it is told to. A refusal that lasts is left as it is, and so decides with the engine's own words.
 */
export async function runAgain(
  state: Rerun,
  service: Service,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = state.revisionInForce(service);
  const own = tasks.filter((task) => state.revisionOfTask(task) === wanted);
  const force = forceFor(service, own, state.again);
  if (force === undefined) return;
  const now = state.options.clock.now();
  const attempts = state.attempts.get(service.ID) ?? { since: now, times: 0 };
  if (attempts.times >= PATIENCE.times && now - attempts.since >= PATIENCE.ms) return;
  state.attempts.set(service.ID, { ...attempts, times: attempts.times + 1 });
  const { Name, TaskTemplate } = service.Spec;
  // It may take a second or two, and as many attempts.
  const level = attempts.times > 0 ? "debug" : "info";
  for (const { ID } of own) state.again.set(ID, force);
  state.options.log[level](`${Name}: its node refused it for what passes: running it again`);
  const spec = { ...service.Spec, TaskTemplate: { ...TaskTemplate, ForceUpdate: force } };
  await changeInPassing(() => state.docker.services.update(service.ID, service.Version, spec, { signal }));
}

/**
 * The `ForceUpdate` that makes the engine run it again; nothing where one of its tasks has run or is to, because nothing may
 * run twice, and where the engine was told so already. Pure. `own`: all tasks of the spec in force; `again`: those for which the
 * engine was told, with the number that was sent.
 */
export function forceFor(
  { Spec }: Service,
  own: readonly Task[],
  again: ReadonlyMap<string, number>,
): number | undefined {
  if (goalOf(Spec) !== "complete" || !runsOnce({ Spec: Spec.TaskTemplate })) return undefined;
  if (own.length === 0 || !own.every(refusedInPassing)) return undefined;
  const now = Spec.TaskTemplate.ForceUpdate ?? 0;
  const isTold = own.every(({ ID }) => (again.get(ID) ?? Number.POSITIVE_INFINITY) <= now);
  return isTold ? undefined : now + 1;
}
