import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import {
  type Crash,
  completed,
  exitedSinceBegin,
  factsOf,
  type InstanceFacts,
  isTelling,
  rememberInstance,
} from "./facts.ts";
import type { ServiceMemory } from "./remember.ts";
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
  readonly telling: readonly Telling[];
  /** What is remembered of those, by id: the same map as before when nothing of it has changed. */
  readonly facts: ReadonlyMap<string, InstanceFacts>;
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

export function viewOf(
  service: ObservedService,
  readings: readonly ProbeReading[],
  baseline: Baseline,
  before: ServiceMemory | undefined,
  now: number,
): ServiceView {
  const telling: Telling[] = [];
  const current: Instance[] = [];
  const wanted: Instance[] = [];
  let same = true;
  for (const instance of service.instances) {
    if (instance.phase === "current") current.push(instance);
    if (!isTelling(service, instance)) continue;
    if (instance.phase === "current") wanted.push(instance);
    const known = before?.instances.get(instance.id);
    const base = known === undefined ? baseline.instances.get(instance.id) : known.baseline;
    const facts = rememberInstance(instance, known, base, now);
    same &&= facts === known;
    telling.push({ instance, facts });
  }
  const unchanged = same && before?.instances.size === telling.length ? before.instances : undefined;
  return {
    service,
    current,
    wanted,
    telling,
    facts: unchanged ?? new Map(telling.map(({ instance, facts }) => [instance.id, facts])),
    completed: service.goal === "complete" ? completed(service) : 0,
    readings,
  };
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

const NONE: readonly Fresh[] = [];

function freshContainers({ instance, facts }: Telling): readonly Fresh[] {
  const isFresh = (one: ContainerState): boolean => exitedSinceBegin(one, factsOf(facts.containers, one));
  if (!instance.containers.some(isFresh)) return NONE;
  return instance.containers.filter(isFresh).map((container) => ({ instance, facts, container }));
}
