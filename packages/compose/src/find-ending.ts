import { constants } from "node:os";
import type { EngineEvent } from "@belay/docker";
import { type ComposeContainer, isLive, projectFilter } from "./compose-container.ts";
import type { TargetState } from "./target-state.ts";

/** How far back the engine's memory of events is asked; a grace period is rarely longer. */
const BACK_MS = 120_000;
/** The engine sends what it remembers at once, and then nothing more says that it has. */
const LISTEN_MS = 300;

/**
 * Containers that still run although they were told to end: by this run, whose `stop` was cancelled, or by one that died in
 * the middle of it. `inspect` does not show it, so the engine's last events are asked. They must not be taken for serving.
 */
export async function findEnding(
  state: TargetState,
  containers: readonly ComposeContainer[],
): Promise<ReadonlySet<string>> {
  const live = containers.filter(isLive);
  if (live.length === 0) return new Set();
  const own = live.filter(({ id }) => state.stopping.has(id)).map(({ id }) => id);
  const kills = await recentKills(state);
  const signalled = live.filter((container) => kills.some((event) => isStopOf(event, container)));
  return new Set([...own, ...signalled.map(({ id }) => id)]);
}

async function recentKills(state: TargetState): Promise<EngineEvent[]> {
  const { docker, options } = state;
  const filters = { type: ["container"], event: ["kill"], ...projectFilter(options.scope.project) };
  const stop = new AbortController();
  const found: EngineEvent[] = [];
  const since = (state.engineNow() - BACK_MS) / 1_000;
  const listening = (async () => {
    for await (const event of docker.events({ filters, since, signal: stop.signal })) found.push(event);
  })();
  await options.clock.sleep(LISTEN_MS);
  stop.abort();
  await listening;
  return found;
}

/** The container's stop signal (or SIGKILL) was sent after its last start. Other signals (SIGHUP) have other meanings. */
export function isStopOf(event: EngineEvent, { id, inspect }: ComposeContainer): boolean {
  const ends = [signalNumber(inspect.Config.StopSignal ?? "SIGTERM"), constants.signals.SIGKILL];
  const sent = signalNumber(event.Actor.Attributes?.signal ?? "");
  return event.Actor.ID === id && ends.includes(sent) && event.timeNano / 1e6 > Date.parse(inspect.State.StartedAt);
}

function signalNumber(text: string): number {
  const names: Readonly<Record<string, number>> = constants.signals;
  return Number(text) || (names[text] ?? names[`SIG${text}`] ?? constants.signals.SIGTERM);
}
