import { mapBounded } from "@belay/core";
import { type EndpointSettings, isConflict, isNotFound } from "@belay/docker";
import type { ComposeContainer } from "./compose-container.ts";
import { isLive } from "./compose-container.ts";
import { endpointOf } from "./creation-body.ts";
import type { TargetState } from "./target-state.ts";

const AT_ONCE = 4;
const STOP_MARGIN_MS = 30_000;
const DEFAULT_GRACE_S = 10;

/** SIGTERM, the container's own grace period, SIGKILL. Those that have gone or don't run are no error. */
export async function stopAll(
  state: TargetState,
  containers: readonly ComposeContainer[],
  signal: AbortSignal,
): Promise<void> {
  const live = containers.filter(isLive);
  for (const { id } of live) state.stopping.add(id);
  await mapBounded(live, AT_ONCE, signal, async (container, both) => {
    const bounds = { signal: both, deadlineMs: graceMsOf(container.inspect) + STOP_MARGIN_MS };
    await unlessGone(() => state.docker.containers.stop(container.id, {}, bounds));
  });
}

/** How long the engine lets a container end by itself. */
export function graceMsOf({ Config }: ComposeContainer["inspect"]): number {
  return (Config.StopTimeout ?? DEFAULT_GRACE_S) * 1_000;
}

/** Removes containers and keeps their volumes, anonymous ones too: nobody but the user knows what they hold. */
export async function removeAll(
  state: TargetState,
  containers: readonly Pick<ComposeContainer, "id">[],
  signal: AbortSignal,
): Promise<void> {
  await mapBounded(containers, AT_ONCE, signal, async ({ id }, both) => {
    try {
      await unlessGone(() => state.docker.containers.remove(id, { force: true }, { signal: both }));
    } catch (error) {
      // "removal of container … is already in progress": an earlier run's request, or a person's.
      if (!isConflict(error)) throw error;
    }
  });
}

export async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * Gives a container other names in a network by leaving and joining it: engines have no other way. All else of its place
 * there is kept, but its address changes and what it has open in that network breaks.
 */
export async function changeNames(
  state: TargetState,
  container: ComposeContainer,
  network: string,
  aliases: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const shown = container.inspect.NetworkSettings.Networks[network];
  const endpoint: EndpointSettings = {
    ...(shown === undefined ? {} : endpointOf(shown, container.id)),
    Aliases: aliases,
  };
  const { networks } = state.docker;
  try {
    await networks.disconnect(network, container.id, {}, { signal });
  } catch (error) {
    // A run that died between the two steps left it outside; older engines answer 403 or 500 for "is not connected".
    if (shown !== undefined) throw error;
  }
  await networks.connect(network, container.id, endpoint, { signal });
}
