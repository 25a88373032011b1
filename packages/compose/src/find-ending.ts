import { constants } from "node:os";
import type { EngineEvent } from "@belay/docker";
import { type ComposeContainer, isLive } from "./compose-container.ts";
import { graceMsOf } from "./container-changes.ts";
import type { TargetState } from "./target-state.ts";

/** The engine sends what it remembers at once, and then nothing more says that it has. */
const LISTEN_MS = 300;
/** From the engine's first event on. */
const EVER_S = 1;

export interface Ending {
  /** Containers that still run although they were told to end. */
  readonly ids: ReadonlySet<string>;
  /** Engine's time from which on nothing that told a container to end was missed. */
  readonly knownSince: number;
}

/**
 * Containers that still run although they were told to end: by this run, whose `stop` was cancelled, or by one that died in
 * the middle of it. `inspect` does not show it, so the engine's last events are asked. They must not be taken for serving.
 */
export async function findEnding(state: TargetState, containers: readonly ComposeContainer[]): Promise<Ending> {
  const live = containers.filter(isLive);
  const events = live.length === 0 ? [] : await rememberedEvents(state);
  const told = live.filter(
    (container) => state.stopping.has(container.id) || events.some((event) => isStopOf(event, container)),
  );
  const knownSince = Math.min(state.engineNow(), ...events.map(({ timeNano }) => timeNano / 1e6));
  return { ids: new Set(told.map(({ id }) => id)), knownSince };
}

/** All that the engine remembers (256 events, those of health checks among them): the oldest shows how far that reaches. */
async function rememberedEvents(state: TargetState): Promise<EngineEvent[]> {
  const { docker, options } = state;
  const stop = new AbortController();
  const found: EngineEvent[] = [];
  const listening = (async () => {
    for await (const event of docker.events({ since: EVER_S, signal: stop.signal })) found.push(event);
  })();
  await options.clock.sleep(LISTEN_MS);
  stop.abort();
  await listening;
  return found;
}

/** The longest time that one of these may take to end: its own grace period, the engine's 10 s by default. */
export function longestGraceMs(containers: readonly ComposeContainer[]): number {
  return Math.max(0, ...containers.filter(isLive).map(({ inspect }) => graceMsOf(inspect)));
}

/** The container's stop signal (or SIGKILL) was sent after its last start. Other signals (SIGHUP) have other meanings. */
export function isStopOf(event: EngineEvent, { id, inspect }: ComposeContainer): boolean {
  const ends = [signalNumber(inspect.Config.StopSignal ?? "SIGTERM"), constants.signals.SIGKILL];
  const sent = signalNumber(event.Actor.Attributes?.signal ?? "");
  if (event.Type !== "container" || event.Action !== "kill") return false;
  return event.Actor.ID === id && ends.includes(sent) && event.timeNano / 1e6 > Date.parse(inspect.State.StartedAt);
}

function signalNumber(text: string): number {
  const names: Readonly<Record<string, number>> = constants.signals;
  return Number(text) || (names[text] ?? names[`SIG${text}`] ?? constants.signals.SIGTERM);
}
