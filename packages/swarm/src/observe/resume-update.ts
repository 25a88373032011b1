import type { Service } from "@belay/docker";
import type { TargetState } from "../target-state.ts";
import { changeInPassing } from "./change-in-passing.ts";

/**
 * Lets the engine go on with an update that it did not bring to its end, by sending the spec that is in force once more.
 * @returns false when that was left out, as {@link changeInPassing} says.
 */
export async function resumeUpdate(
  state: TargetState,
  service: Service,
  /** What the engine did, for people: `paused the update because …`. */
  why: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { ID, Version, Spec } = service;
  state.options.log.info(`${Spec.Name}: the engine ${why}: going on`);
  return changeInPassing(() => state.docker.services.update(ID, Version, Spec, { signal }));
}
