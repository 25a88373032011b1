import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import { type Crash, completed, exitedSinceBegin, type InstanceFacts, isTelling } from "./facts.ts";
import type { Memory, ServiceMemory } from "./remember.ts";
import type { JudgeTerms } from "./verdict.ts";

/** An instance of the wanted revision that can tell of this deployment, with what is remembered of it. */
export interface Telling {
  readonly instance: Instance;
  readonly facts: InstanceFacts;
}

/** A container of it whose present state or last exit came after begin. */
export interface Fresh extends Telling {
  readonly container: ContainerState;
}

/** One service as one observation shows it, sorted once for all that look at it. */
export interface ServiceView {
  readonly service: ObservedService;
  /** Instances that may serve, of any revision. */
  readonly current: readonly Instance[];
  /** Those of the wanted revision. */
  readonly wanted: readonly Instance[];
  /** How many of the wanted revision ran to a good end. */
  readonly completed: number;
  /** What the probes say of it and of any instance of it. */
  readonly readings: readonly ProbeReading[];
}

/** One service with all that a rule may look at. Times are monotonic milliseconds. */
export interface Scene extends ServiceView {
  readonly terms: JudgeTerms;
  readonly now: number;
  readonly memory: ServiceMemory;
  readonly telling: readonly Telling[];
  readonly fresh: readonly Fresh[];
  readonly crashes: readonly Crash[];
  /** Readings that count: of the service as a whole, and of current instances of the wanted revision. */
  readonly asked: readonly ProbeReading[];
}

/** Current instances of the revision that is wanted. */
export function wantedInstances(service: ObservedService): readonly Instance[] {
  return service.instances.filter((one) => one.phase === "current" && one.revision === service.wantedRevision);
}

export function viewOf(service: ObservedService, readings: readonly ProbeReading[]): ServiceView {
  return {
    service,
    current: service.instances.filter((one) => one.phase === "current"),
    wanted: wantedInstances(service),
    completed: service.goal === "complete" ? completed(service) : 0,
    readings,
  };
}

export function sceneOf(
  terms: JudgeTerms,
  memory: Memory,
  view: ServiceView,
  remembered: ServiceMemory,
  now: number,
): Scene {
  const { service, readings, wanted } = view;
  const telling: Telling[] = [];
  for (const instance of service.instances) {
    const facts = isTelling(service, instance) ? remembered.instances.get(instance.id) : undefined;
    if (facts !== undefined) telling.push({ instance, facts });
  }
  const ids = readings.length === 0 ? undefined : new Set(wanted.map((one) => one.id));
  return {
    ...view,
    terms,
    now,
    memory: remembered,
    telling,
    fresh: telling.flatMap(freshContainers),
    crashes: [...(memory.crashes.get(service.name)?.values() ?? [])],
    asked: readings.filter(({ instance }) => instance === undefined || ids?.has(instance)),
  };
}

const NONE: readonly Fresh[] = [];

function freshContainers({ instance, facts }: Telling): readonly Fresh[] {
  const isFresh = (one: ContainerState): boolean => exitedSinceBegin(one, facts.containers.get(one.name));
  if (!instance.containers.some(isFresh)) return NONE;
  return instance.containers.filter(isFresh).map((container) => ({ instance, facts, container }));
}
