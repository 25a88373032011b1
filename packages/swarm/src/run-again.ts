import { isNotFound, isOutOfSequence, type Service, type Task } from "@belay/docker";
import { goalOf } from "./service-mode.ts";
import type { TargetState } from "./target-state.ts";
import { newestPerSlot } from "./translate-service.ts";
import { metOldNetwork, runsOnce } from "./translate-task.ts";

/**
 * What runs once and was refused by its node, for a network that is gone by then, has had no container, and the engine makes no
 * other task for it: it is told to. Only where none of its tasks has run, because nothing may run twice.
 */
export async function runAgain(
  state: TargetState,
  service: Service,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<void> {
  if (goalOf(service.Spec) !== "complete" || !runsOnce({ Spec: service.Spec.TaskTemplate })) return;
  const wanted = state.revisionInForce(service);
  const own = tasks.filter((task) => state.revisionOfTask(task) === wanted);
  const last = [...newestPerSlot(own).values()];
  if (last.length === 0 || !own.every(metOldNetwork)) return;
  const { Name, TaskTemplate } = service.Spec;
  const now = TaskTemplate.ForceUpdate ?? 0;
  if (last.every(({ ID }) => (state.again.get(ID) ?? Number.POSITIVE_INFINITY) <= now)) return;
  // It may take a second or two, and as many attempts.
  const isFirst = !own.some(({ ID }) => state.again.has(ID));
  for (const { ID } of last) state.again.set(ID, now + 1);
  state.options.log[isFirst ? "info" : "debug"](`${Name}: its node still had a network that is gone: running it again`);
  const spec = { ...service.Spec, TaskTemplate: { ...TaskTemplate, ForceUpdate: now + 1 } };
  try {
    await state.docker.services.update(service.ID, service.Version, spec, { signal });
  } catch (error) {
    // The next look finds that it was not done.
    if (!isOutOfSequence(error) && !isNotFound(error)) throw error;
  }
}
