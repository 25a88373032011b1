import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import { type Crash, completed, type InstanceFacts } from "./facts.ts";
import { isAtRest, type KnownInstances } from "./known-instances.ts";
import type { ServiceMemory } from "./remember.ts";
import type { JudgeTerms } from "./verdict.ts";

/**
 * An instance of the wanted revision that can tell of this deployment and has something to tell: it is not ready, or one of
 * its containers ended.
 */
export interface Telling {
  readonly instance: Instance;
  readonly facts: InstanceFacts;
  readonly fresh: readonly ContainerState[];
}

/** A container of it whose present state or last exit came after begin. */
export interface Fresh extends Pick<Telling, "instance" | "facts"> {
  readonly container: ContainerState;
}

/** One service as one observation shows it, sorted once for all that look at it. */
export interface ServiceView {
  readonly service: ObservedService;
  /** Instances that may serve, of any revision. */
  readonly current: readonly Instance[];
  /** Those of the wanted revision. */
  readonly wanted: readonly Instance[];
  readonly telling: readonly Telling[];
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
  readonly fresh: readonly Fresh[];
  readonly crashes: readonly Crash[];
  /** Readings that count: of the service as a whole, and of current instances of the wanted revision. */
  readonly asked: readonly ProbeReading[];
}

/** Current instances of the revision that is wanted. */
export function wantedInstances(service: ObservedService): readonly Instance[] {
  return service.instances.filter((one) => one.phase === "current" && one.revision === service.wantedRevision);
}

/** Sorts the instances that are known of a service. */
export function viewOf(
  service: ObservedService,
  readings: readonly ProbeReading[],
  { list }: KnownInstances,
): ServiceView {
  const telling: Telling[] = [];
  const current: Instance[] = [];
  const wanted: Instance[] = [];
  for (const one of list) {
    const { instance, facts, fresh } = one;
    if (one.current) current.push(instance);
    if (facts === undefined) continue;
    if (one.current) wanted.push(instance);
    if (!isAtRest(one)) telling.push({ instance, facts, fresh });
  }
  const complete = service.goal === "complete" ? completed(service) : 0;
  return { service, current, wanted, telling, completed: complete, readings };
}

export function sceneOf(
  terms: JudgeTerms,
  view: ServiceView,
  memory: ServiceMemory,
  crashes: ReadonlyMap<string, Crash> | undefined,
  now: number,
): Scene {
  const { readings, wanted, telling } = view;
  const ids = readings.length === 0 ? undefined : new Set(wanted.map((one) => one.id));
  return {
    ...view,
    terms,
    now,
    memory,
    fresh: telling.flatMap(freshContainers),
    crashes: [...(crashes?.values() ?? [])],
    asked: readings.filter(({ instance }) => instance === undefined || ids?.has(instance)),
  };
}

function freshContainers({ instance, facts, fresh }: Telling): readonly Fresh[] {
  return fresh.map((container) => ({ instance, facts, container }));
}
