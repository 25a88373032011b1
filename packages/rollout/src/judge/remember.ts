import type { Observation, ObservedService, ProbeReading } from "@belay/core";
import { type Baseline, conditionKey, hasPassed, probeKey } from "./baseline.ts";
import { type Crash, completed as countCompleted, countCrashes, factsOf, isComplete } from "./facts.ts";
import { isReachable } from "./is-reachable.ts";
import type { KnownInstances } from "./known-instances.ts";
import type { ShownService } from "./same-service.ts";
import { isWanted } from "./scene.ts";
import { addUnrest, NO_UNREST, type Unrest } from "./unrest.ts";
import type { JudgeTerms } from "./verdict.ts";

/** What the judge remembers of one service between two observations. */
export interface ServiceMemory {
  readonly instances: KnownInstances;
  /** The most current instances of the wanted revision that were seen at once. */
  readonly most: number;
  /** How many of the wanted revision ran to a good end. */
  readonly completed: number;
  /** Since when fewer instances than wanted exist, of any revision, with no new one coming. */
  readonly missingSince: number | undefined;
  /** Since the look before, a current instance came, went or was restarted, or one completed. */
  readonly turned: boolean;
  /** Of what is to go on running: for people, when the time is over. */
  readonly unrest: Unrest;
  readonly conditions: ConditionMemory;
  readonly probes: ReadonlyMap<string, ProbeFacts>;
}

interface ConditionMemory {
  /** Since when each is seen that counts. */
  readonly since: ReadonlyMap<string, number>;
  /** Those that stood at begin and never went away, which don't count. */
  readonly old: ReadonlySet<string>;
  /** While there are any: since when no instance of the service is on its way out. */
  readonly free: number | undefined;
}

export interface ProbeFacts {
  /** Instances that were ready when it last passed. While one of them serves, a failure is news. */
  readonly vouchers: readonly string[];
  /** Since when it could pass but has not: the instances it asks are all ready. */
  readonly waitingSince: number | undefined;
}

/** The memory of a service after one more look. Pure. Whatever did not change is shared with the memory before. */
export function rememberService(
  terms: JudgeTerms,
  baseline: Baseline,
  before: ServiceMemory | undefined,
  shown: ShownService,
  instances: KnownInstances,
  now: number,
): ServiceMemory {
  const { service, readings } = shown;
  const { current, wanted } = instances;
  const completed = service.goal === "complete" ? countCompleted(service) : 0;
  const grew = before !== undefined && wanted > before.most;
  const missing = current + finishedAndGone(service, instances) < service.desired;
  return {
    instances,
    most: Math.max(before?.most ?? 0, wanted),
    completed,
    missingSince: missing ? (grew ? now : (before?.missingSince ?? now)) : undefined,
    turned:
      before?.instances.wanted !== wanted ||
      before.completed !== completed ||
      (before.instances !== instances && instances.turned),
    unrest: rememberUnrest(service, before, instances),
    conditions: rememberConditions(service, before?.conditions ?? { ...NO_CONDITIONS, old: baseline.conditions }, now),
    probes: readings.length === 0 ? NO_PROBES : rememberProbes(terms, baseline, before?.probes, shown, instances, now),
  };
}

/** Counts from when as many as are wanted were there first: until then, they come. */
function rememberUnrest(
  { goal, desired }: ObservedService,
  before: ServiceMemory | undefined,
  now: KnownInstances,
): Unrest {
  if (before === undefined) return NO_UNREST;
  const began = goal === "run" && desired > 0 && before.most >= desired;
  return began ? addUnrest(before.unrest, before.instances, now) : before.unrest;
}

/** One-shots that have done their work and were put away: they are not missing. */
function finishedAndGone({ goal }: ObservedService, { telling }: KnownInstances): number {
  if (goal !== "complete") return 0;
  return telling.filter(({ instance }) => instance.phase === "history" && isComplete(instance)).length;
}

/** The crashes of a service, the same as before when none was added. */
export function rememberCrashes(
  service: ObservedService,
  { telling }: KnownInstances,
  before: ReadonlyMap<string, Crash> | undefined,
): ReadonlyMap<string, Crash> | undefined {
  let crashes: Map<string, Crash> | undefined;
  for (const { instance, facts, fresh } of telling) {
    for (const container of fresh) {
      const count = countCrashes(service, instance, container, factsOf(facts.containers, container));
      if (count === 0) continue;
      const key = JSON.stringify([instance.id, container.name]);
      if (count <= (before?.get(key)?.count ?? 0)) continue;
      const { slot, title } = instance;
      crashes ??= new Map(before);
      crashes.set(key, { slot, title, container: container.name, count, exitCode: container.lastExit?.code });
    }
  }
  return crashes ?? before;
}

const NO_TIMES: ReadonlyMap<string, number> = new Map();
const NO_CONDITIONS: ConditionMemory = { since: NO_TIMES, old: new Set(), free: undefined };

function rememberConditions(
  { name, conditions, instances }: ObservedService,
  before: ConditionMemory,
  now: number,
): ConditionMemory {
  if (conditions.length === 0) return NO_CONDITIONS;
  const seen = conditions.map((one) => conditionKey(name, one));
  const old = new Set(seen.filter((key) => before.old.has(key)));
  const since = new Map(seen.filter((key) => !old.has(key)).map((key) => [key, before.since.get(key) ?? now]));
  const free = instances.some(({ phase }) => phase === "draining") ? undefined : (before.free ?? now);
  return { old, since, free };
}

const NO_PROBES: ReadonlyMap<string, ProbeFacts> = new Map();

function rememberProbes(
  terms: JudgeTerms,
  baseline: Baseline,
  before: ServiceMemory["probes"] | undefined,
  { service, readings }: ShownService,
  instances: KnownInstances,
  now: number,
): ServiceMemory["probes"] {
  const readyNow = instances.list.filter((one) => one.current && one.ready).map((one) => one.id);
  const rememberProbe = (reading: ProbeReading, key: string): ProbeFacts => {
    if (hasPassed(reading)) {
      const vouchers = reading.instance === undefined ? readyNow : [reading.instance];
      return { vouchers, waitingSince: undefined };
    }
    const past = before?.get(key);
    const vouchers = (before === undefined ? baseline.passing.get(key) : past?.vouchers) ?? [];
    const due = couldPass(terms, service, instances, reading, vouchers);
    return { vouchers, waitingSince: due ? (past?.waitingSince ?? now) : undefined };
  };
  return new Map(
    readings.map((reading) => {
      const key = probeKey(reading);
      return [key, rememberProbe(reading, key)];
    }),
  );
}

/** Its start time runs once all that it asks is ready; until then, the instances' own start time decides. */
function couldPass(
  terms: JudgeTerms,
  { desired }: ObservedService,
  { list, wanted, ready }: KnownInstances,
  reading: ProbeReading,
  vouchers: readonly string[],
): boolean {
  if (reading.instance !== undefined)
    return list.some((one) => one.id === reading.instance && isWanted(one) && one.ready);
  const serves = isReachable(terms) || vouchers.length > 0;
  return serves && wanted >= desired && ready === wanted;
}

/** The readings of an observation by service, so that each is looked for once. */
export function readingsByService(observation: Observation): ReadonlyMap<string, readonly ProbeReading[]> {
  const found = new Map<string, ProbeReading[]>();
  for (const reading of observation.probes) {
    const known = found.get(reading.service);
    if (known === undefined) found.set(reading.service, [reading]);
    else known.push(reading);
  }
  return found;
}
