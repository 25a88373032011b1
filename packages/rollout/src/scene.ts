import type { ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";
import { type Crash, completed } from "./facts.ts";
import { canTell, type KnownInstance, type KnownInstances, type TellingInstance } from "./known-instances.ts";
import type { ServiceMemory } from "./remember.ts";
import type { JudgeTerms } from "./verdict.ts";

/** A container whose present state or last exit came after begin. */
export interface Fresh extends Pick<TellingInstance, "instance" | "facts"> {
  readonly container: ContainerState;
}

/** One service as one observation shows it, sorted once for all that look at it. */
export interface ServiceView {
  readonly service: ObservedService;
  readonly instances: readonly KnownInstance[];
  /** How many may serve, of any revision; how many of these are of the wanted one, and of those ready. */
  readonly current: number;
  readonly wanted: number;
  readonly ready: number;
  /** Of the wanted revision, with something to tell: not ready, or with a container that ended. */
  readonly telling: readonly TellingInstance[];
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

const NONE: readonly never[] = [];

/** Sorts the instances that are known of a service. */
export function viewOf(
  service: ObservedService,
  readings: readonly ProbeReading[],
  { list }: KnownInstances,
): ServiceView {
  const telling: TellingInstance[] = [];
  let [current, wanted, ready] = [0, 0, 0];
  for (let place = 0; place < list.length; place++) {
    const one = list[place] as KnownInstance;
    if (one.current) current++;
    if (!canTell(one)) continue;
    if (one.current) wanted++;
    if (one.current && one.ready) ready++;
    if (!one.atRest) telling.push(one);
  }
  const complete = service.goal === "complete" ? completed(service) : 0;
  const counts = { current, wanted, ready, completed: complete };
  return { service, instances: list, ...counts, telling, readings };
}

export function sceneOf(
  terms: JudgeTerms,
  view: ServiceView,
  memory: ServiceMemory,
  crashes: ReadonlyMap<string, Crash> | undefined,
  now: number,
): Scene {
  return {
    ...view,
    terms,
    now,
    memory,
    fresh: view.telling.length === 0 ? NONE : view.telling.flatMap(freshContainers),
    crashes: crashes === undefined ? NONE : [...crashes.values()],
    asked: askedOf(view),
  };
}

function askedOf({ readings, instances }: ServiceView): readonly ProbeReading[] {
  if (readings.length === 0) return readings;
  const ids = new Set(instances.filter(isWanted).map(({ id }) => id));
  return readings.filter(({ instance }) => instance === undefined || ids.has(instance));
}

/** May serve, and is of the wanted revision. */
export function isWanted(one: KnownInstance): boolean {
  return one.current && canTell(one);
}

function freshContainers({ instance, facts, fresh }: TellingInstance): readonly Fresh[] {
  return fresh.map((container) => ({ instance, facts, container }));
}
