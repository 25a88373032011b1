import { mapBounded } from "@belay/core";
import { type EndpointSettings, EngineError, isConflict, isNotFound } from "@belay/docker";
import type { TargetState } from "../target-state.ts";
import type { ComposeContainer } from "./compose-container.ts";
import { isLive } from "./compose-container.ts";
import { endpointOf } from "./creation-body.ts";
import { hasEnded } from "./listed-container.ts";

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
  await mapBounded(live, AT_ONCE, signal, (container, both) => stop(state, container, both));
}

async function stop(state: TargetState, container: ComposeContainer, signal: AbortSignal): Promise<void> {
  const bounds = { signal, deadlineMs: graceMsOf(container.inspect) + STOP_MARGIN_MS };
  const work = (): Promise<void> => state.docker.containers.stop(container.id, {}, bounds);
  await unlessGone(() => patiently(state, signal, isLate, work));
}

/** The engine takes a container that has run for so long for recovered (moby, `restartmanager`). */
const RECOVERED_MS = 10_000;

/** It has crashed, and what the engine has started again has not shown yet that it is better. */
function isCrashing(state: TargetState, { id, inspect }: ComposeContainer): boolean {
  const { StartedAt, Health } = inspect.State;
  const { died, killed } = state.watch.noteOf(id);
  if (died === undefined) return false;
  // What is being stopped ends for that, unless it was faster than the signal.
  if (state.stopping.has(id) && (killed !== undefined || !state.told.has(id))) return false;
  return Health?.Status !== "healthy" && state.engineNow() - Date.parse(StartedAt) < RECOVERED_MS;
}

/**
 * Stops containers of a release that is taken off, and removes each as soon as it has ended. One that is crashing gets no
 * grace: it ended without before, and a process that has just begun often ignores SIGTERM. Nor is one waited for that crashes
 * before it was told to end.
 */
export async function endAll(
  state: TargetState,
  containers: readonly ComposeContainer[],
  signal: AbortSignal,
): Promise<void> {
  const crashing = containers.filter((one) => isCrashing(state, one));
  for (const { id } of containers) state.stopping.add(id);
  await mapBounded(containers, AT_ONCE, signal, async (container, both) => {
    if (isLive(container) && !crashing.includes(container)) await stopUnlessItCrashes(state, container, both);
    await remove(state, container.id, both);
  });
}

/**
 * Tells a container of a release that is to be taken off to end, ahead of {@link endAll}, which waits for it and tells it again
 * only where this has failed.
 */
export function tellToEnd(state: TargetState, container: ComposeContainer): Promise<boolean> {
  state.stopping.add(container.id);
  const cut = new AbortController();
  const ended = stop(state, container, cut.signal).then(
    () => true,
    () => false,
  );
  state.told.set(container.id, { ended, cut });
  return ended;
}

/** Events tell of ends; should one be lost, the stop tells of it. */
const LOOK_MS = 2_000;

/**
 * A stop that meets a container just after its crash cancels its restart, if the engine has not waited long enough for that
 * by the time it has cleaned up. Else the engine starts it again, sends the new process nothing, and the stop waits for all of
 * the grace period (seen on 20.10). A removal refuses the engine that start (moby, `containerStart`: "marked for removal") or
 * kills what was started, so it does not wait for the stop.
 */
async function stopUnlessItCrashes(
  state: TargetState,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const crash = new AbortController();
  untilCrashed(state, container, AbortSignal.any([signal, over.signal])).then(
    () => crash.abort(),
    () => undefined,
  );
  try {
    await stopOnce(state, container, AbortSignal.any([signal, crash.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!crash.signal.aborted) throw error;
  } finally {
    over.abort();
  }
}

/** A second SIGTERM means to many programs that they shall not take their time. */
async function stopOnce(state: TargetState, container: ComposeContainer, signal: AbortSignal): Promise<void> {
  const told = state.told.get(container.id);
  if (told !== undefined) {
    const cut = (): void => told.cut.abort();
    signal.addEventListener("abort", cut, { once: true });
    if (signal.aborted) cut();
    const ended = await told.ended;
    signal.throwIfAborted();
    state.told.delete(container.id);
    if (ended) return;
  }
  await stop(state, container, signal);
}

/** Resolves once it has ended without having been sent a signal. @throws the signal's reason */
async function untilCrashed(
  { watch }: TargetState,
  { id, inspect }: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  const hasCrashed = (): boolean => watch.noteOf(id).killed === undefined && hasEnded(watch.noteOf(id), inspect.State);
  while (!hasCrashed()) await watch.changed(signal, LOOK_MS);
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
  await mapBounded(containers, AT_ONCE, signal, ({ id }, both) => remove(state, id, both));
}

async function remove(state: TargetState, id: string, signal: AbortSignal): Promise<void> {
  try {
    await unlessGone(() =>
      patiently(state, signal, isFault, () => state.docker.containers.remove(id, { force: true }, { signal })),
    );
  } catch (error) {
    // "removal of container … is already in progress": an earlier run's request, or a person's.
    if (!isConflict(error)) throw error;
  }
}

const AGAIN = { most: 5, afterMs: 500 } as const;

/**
 * A busy engine gives up when it hears for two seconds nothing of a process that it has killed ("tried to kill container, but
 * did not receive an exit event"; moby, `daemon/kill.go`). It hears of it a moment later.
 */
function isLate(error: unknown): boolean {
  return error instanceof EngineError && /did not receive an exit event/i.test(error.engineMessage);
}

/**
 * Whatever else an engine could not do to remove a container (a layer that is busy, a kill that another one has overtaken), it may
 * be able to a moment later, and to ask again does no harm.
 */
function isFault(error: unknown): boolean {
  return error instanceof EngineError && error.status >= 500;
}

async function patiently(
  state: TargetState,
  signal: AbortSignal,
  isPassing: (error: unknown) => boolean,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || attempt === AGAIN.most) throw error;
      await state.options.clock.sleep(AGAIN.afterMs, signal);
    }
  }
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
  state.watch.renamed(container.id, network, aliases);
}
