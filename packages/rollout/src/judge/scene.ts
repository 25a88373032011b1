import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import type { Crash } from "./facts.ts";
import { canTell, type KnownInstance, type KnownInstances, type TellingInstance } from "./known-instances.ts";
import type { ServiceMemory } from "./remember.ts";
import type { ShownService } from "./same-service.ts";
import type { JudgeTerms } from "./verdict.ts";

/** A container whose present state or last exit came after begin. */
export interface Fresh extends Pick<TellingInstance, "instance" | "facts"> {
  readonly container: ContainerState;
}

/** One service with all that a rule may look at. Times are monotonic milliseconds. */
export interface Scene extends ShownService {
  readonly terms: JudgeTerms;
  readonly now: number;
  readonly instances: KnownInstances;
  readonly memory: ServiceMemory;
  readonly fresh: readonly Fresh[];
  readonly crashes: readonly Crash[];
  /** Readings that count: of the service as a whole, and of current instances of the wanted revision. */
  readonly asked: readonly ProbeReading[];
}

/** Current instances of the revision that is wanted. */
export function wantedInstances(service: ObservedService): readonly Instance[] {
  return service.instances.filter((one) => one.phase === "current" && one.revision === service.wantedRevision);
}

const NONE: readonly never[] = [];

export function sceneOf(
  terms: JudgeTerms,
  { service, readings }: ShownService,
  memory: ServiceMemory,
  crashes: ReadonlyMap<string, Crash> | undefined,
  now: number,
): Scene {
  const { instances } = memory;
  return {
    terms,
    now,
    service,
    readings,
    instances,
    memory,
    fresh: instances.telling.length === 0 ? NONE : instances.telling.flatMap(freshContainers),
    crashes: crashes === undefined ? NONE : [...crashes.values()],
    asked: readings.length === 0 ? NONE : askedOf(readings, instances),
  };
}

function askedOf(readings: readonly ProbeReading[], { list }: KnownInstances): readonly ProbeReading[] {
  const ids = new Set(list.filter(isWanted).map(({ id }) => id));
  return readings.filter(({ instance }) => instance === undefined || ids.has(instance));
}

/** May serve, and is of the wanted revision. */
export function isWanted(one: KnownInstance): boolean {
  return one.current && canTell(one);
}

function freshContainers({ instance, facts, fresh }: TellingInstance): readonly Fresh[] {
  return fresh.map((container) => ({ instance, facts, container }));
}
