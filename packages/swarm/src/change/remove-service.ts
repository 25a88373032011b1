import { isNotFound } from "@belay/docker";
import type { TargetState } from "../target-state.ts";

/** Removes a service; its tasks end by themselves. One that is gone is no error. Volumes stay. */
export async function removeService(state: TargetState, name: string, signal: AbortSignal): Promise<void> {
  const live = await state.directory.service(name, { signal });
  if (live === undefined) return;
  state.options.log.info(`removing ${name}`);
  try {
    await state.docker.services.remove(live.ID, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
