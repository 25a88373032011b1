import { isNotFound, isOutOfSequence, type Service } from "@belay/docker";
import type { TargetState } from "./target-state.ts";

/**
 * Lets the engine go on with an update that it did not bring to its end, by sending the spec that is in force once more.
 * Nothing is changed by that, so it needs no permit: whoever has changed the service meanwhile makes it be refused.
 */
export async function resumeUpdate(
  state: TargetState,
  service: Service,
  /** What the engine did, for people: `paused the update because …`. */
  why: string,
  signal: AbortSignal,
): Promise<void> {
  const { Name } = service.Spec;
  state.options.log.info(`${Name}: the engine ${why}: going on`);
  try {
    await state.docker.services.update(service.ID, service.Version, service.Spec, { signal });
  } catch (error) {
    if (!isOutOfSequence(error) && !isNotFound(error)) throw error;
  }
}
