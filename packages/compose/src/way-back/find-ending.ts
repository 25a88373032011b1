import { constants } from "node:os";
import type { EngineEvent } from "@belay/docker";
import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import { graceMsOf } from "../containers/container-changes.ts";
import { signalNumber } from "../containers/container-notes.ts";
import type { TargetState } from "../target-state.ts";

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
  const events = live.length === 0 ? [] : await state.docker.pastEvents(state.engineNow() / 1_000);
  const told = live.filter(
    (container) => state.stopping.has(container.id) || events.some((event) => isStopOf(event, container)),
  );
  const knownSince = Math.min(state.engineNow(), ...events.map(({ timeNano }) => timeNano / 1e6));
  return { ids: new Set(told.map(({ id }) => id)), knownSince };
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
