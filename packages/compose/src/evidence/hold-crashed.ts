import { mapBounded, messageOf, type Observation, scopeHash } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { TargetState } from "../target-state.ts";

/** One fewer than the client has connections for what may wait: whatever a kill waits for, a removal finds one. */
const AT_ONCE = 3;

/**
 * Has the engine not start again what has crashed of this run's deployment. A kill cancels the restart that a container waits
 * for: there is no process that could get a signal, no event tells of it, and log, exit code and OOM flag stay as they are (moby,
 * `killWithSignal`; seen on 20.10 and 29). An engine that was faster has its new attempt killed, as a removal would. Once an old
 * container was told to end, what crashes may be all that serves until that is back, and is left alone. Fails only with the
 * signal, after which it sends nothing more.
 */
export async function holdCrashed(state: TargetState, { services }: Observation, signal: AbortSignal): Promise<void> {
  if (!state.servesAsBefore) return;
  const own = scopeHash(state.options.scope);
  const isOwn = ({ scope, deployment }: ComposeContainer): boolean => scope === own && deployment === state.carriedOut;
  const waiting = services.flatMap(({ instances }) =>
    instances.filter(({ containers }) => containers.some((one) => one.state === "restarting")),
  );
  const held = waiting.flatMap(({ id }) => state.watch.known(id) ?? []).filter(isOwn);
  // If it does end once more, that is neither news nor its last words.
  for (const { id } of held) state.leaving.add(id);
  await mapBounded(held, AT_ONCE, signal, (container) => hold(state, container));
}

/** What it does not reach is removed as it is, and an engine that can't be asked fails that, too. */
async function hold({ docker, options: { log } }: TargetState, { id, name }: ComposeContainer): Promise<void> {
  try {
    await docker.containers.kill(id, "SIGKILL");
    log.debug(`${name} is not started again`);
  } catch (error) {
    log.debug(`${name} could not be kept from being started again: ${messageOf(error)}`);
  }
}
