import type { Instance, Observation, ObservedService, ProbeReading } from "@belay/core";
import { type Baseline, conditionKey, isReady, probeKey } from "./baseline.ts";
import { type Crash, countCrashes, type InstanceFacts, isComplete, isTelling, rememberInstance } from "./facts.ts";
import type { ServiceView } from "./scene.ts";
import type { JudgeTerms } from "./verdict.ts";

/** What the judge remembers between two observations: as much as is shown, and every crash. */
export interface Memory {
  readonly services: ReadonlyMap<string, ServiceMemory>;
  /** Per service; never forgotten. */
  readonly crashes: ReadonlyMap<string, ReadonlyMap<string, Crash>>;
  /** How often something turned: see {@link ServiceMemory.turned}. Nothing came, went or restarted while it is the same. */
  readonly turns: number;
}

export interface ServiceMemory {
  readonly instances: ReadonlyMap<string, InstanceFacts>;
  /** Current instances of the wanted revision, and the most that were seen at once. */
  readonly wanted: number;
  readonly most: number;
  readonly completed: number;
  /** Since when fewer instances than wanted exist, of any revision, with no new one coming. */
  readonly missingSince: number | undefined;
  /** Since the look before, a current instance came, went or was restarted, or one completed. */
  readonly turned: boolean;
  /** Since when each condition is seen, and those that stood at begin and never went away, which don't count. */
  readonly conditions: { readonly since: ReadonlyMap<string, number>; readonly old: ReadonlySet<string> };
  readonly probes: ReadonlyMap<string, ProbeFacts>;
}

export interface ProbeFacts {
  /** Instances that were ready when it last passed. While one of them serves, a failure is news. */
  readonly vouchers: readonly string[];
  /** Since when it could pass but has not: the instances it asks are all ready. */
  readonly waitingSince: number | undefined;
}

/** The memory after one more observation. Pure. Whatever did not change is shared with the memory before. */
export function remember(
  terms: JudgeTerms,
  baseline: Baseline,
  before: Memory,
  views: readonly ServiceView[],
  now: number,
): Memory {
  const services = new Map<string, ServiceMemory>();
  const crashes = new Map(before.crashes);
  for (const view of views) {
    const { name } = view.service;
    const memory = rememberService(terms, baseline, before.services.get(name), view, now);
    services.set(name, memory);
    const known = before.crashes.get(name);
    const found = rememberCrashes(view.service, memory.instances, known);
    if (found !== undefined && found !== known) crashes.set(name, found);
  }
  const turned = services.size !== before.services.size || [...services.values()].some((one) => one.turned);
  return { services, crashes, turns: before.turns + (turned ? 1 : 0) };
}

function rememberService(
  terms: JudgeTerms,
  baseline: Baseline,
  before: ServiceMemory | undefined,
  view: ServiceView,
  now: number,
): ServiceMemory {
  const { service, current, completed } = view;
  const wanted = view.wanted.length;
  const instances = rememberInstances(service, baseline, before?.instances, now);
  const grew = before !== undefined && wanted > before.most;
  const missing = current.length + finishedAndGone(service) < service.desired;
  return {
    instances,
    wanted,
    most: Math.max(before?.most ?? 0, wanted),
    completed,
    missingSince: missing ? (grew ? now : (before?.missingSince ?? now)) : undefined,
    turned: before?.wanted !== wanted || before.completed !== completed || hasTurned(before.instances, instances),
    conditions: rememberConditions(service, before?.conditions ?? { since: NO_TIMES, old: baseline.conditions }, now),
    probes: rememberProbes(terms, baseline, before?.probes, view, now),
  };
}

function rememberInstances(
  service: ObservedService,
  baseline: Baseline,
  before: ReadonlyMap<string, InstanceFacts> | undefined,
  now: number,
): ReadonlyMap<string, InstanceFacts> {
  const telling = service.instances.filter((one) => isTelling(service, one));
  const facts = telling.map((one) => rememberInstance(one, before?.get(one.id), baseline.instances.get(one.id), now));
  const same = before?.size === telling.length && telling.every(({ id }, at) => before.get(id) === facts[at]);
  if (before !== undefined && same) return before;
  return new Map(facts.map((one, at) => [telling[at]?.id ?? "", one]));
}

/** Whether another instance is current, or one of them was restarted. Their number is compared elsewhere. */
function hasTurned(before: ReadonlyMap<string, InstanceFacts>, after: ReadonlyMap<string, InstanceFacts>): boolean {
  if (before === after) return false;
  for (const [id, facts] of after) {
    const known = before.get(id);
    if (facts.current && (known?.current !== true || known.restarts !== facts.restarts)) return true;
  }
  return false;
}

/** One-shots that have done their work and were put away: they are not missing. */
function finishedAndGone(service: ObservedService): number {
  if (service.goal !== "complete") return 0;
  return service.instances.filter((one) => isTelling(service, one) && one.phase === "history" && isComplete(one))
    .length;
}

/** The crashes of a service, the same as before when none was added. */
function rememberCrashes(
  service: ObservedService,
  facts: ReadonlyMap<string, InstanceFacts>,
  before: ReadonlyMap<string, Crash> | undefined,
): ReadonlyMap<string, Crash> | undefined {
  let crashes: Map<string, Crash> | undefined;
  for (const instance of service.instances) {
    if (!isTelling(service, instance)) continue;
    for (const container of instance.containers) {
      const count = countCrashes(service, instance, container, facts.get(instance.id)?.containers.get(container.name));
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
const NO_KEYS: ReadonlySet<string> = new Set();

function rememberConditions(
  { name, conditions }: ObservedService,
  before: ServiceMemory["conditions"],
  now: number,
): ServiceMemory["conditions"] {
  if (conditions.length === 0) return { since: NO_TIMES, old: NO_KEYS };
  const seen = conditions.map((one) => conditionKey(name, one));
  const old = new Set(seen.filter((key) => before.old.has(key)));
  return { old, since: new Map(seen.filter((key) => !old.has(key)).map((key) => [key, before.since.get(key) ?? now])) };
}

const NO_PROBES: ReadonlyMap<string, ProbeFacts> = new Map();

function rememberProbes(
  terms: JudgeTerms,
  baseline: Baseline,
  before: ServiceMemory["probes"] | undefined,
  view: ServiceView,
  now: number,
): ServiceMemory["probes"] {
  if (view.readings.length === 0) return NO_PROBES;
  const readyNow = view.current.filter(isReady).map((one) => one.id);
  return new Map(
    view.readings.map((reading) => {
      const key = probeKey(reading);
      const vouchers = (before === undefined ? baseline.passing.get(key) : before.get(key)?.vouchers) ?? [];
      const known = { vouchers, waitingSince: before?.get(key)?.waitingSince };
      return [key, rememberProbe(terms, view, reading, known, readyNow, now)];
    }),
  );
}

function rememberProbe(
  terms: JudgeTerms,
  view: ServiceView,
  reading: ProbeReading,
  before: ProbeFacts,
  readyNow: readonly string[],
  now: number,
): ProbeFacts {
  if (reading.state === "passing") {
    const vouchers = reading.instance === undefined ? readyNow : [reading.instance];
    return { vouchers, waitingSince: undefined };
  }
  const due = couldPass(terms, view, reading, before.vouchers);
  return { vouchers: before.vouchers, waitingSince: due ? (before.waitingSince ?? now) : undefined };
}

/** Its start time runs once all that it asks is ready; until then, the instances' own start time decides. */
function couldPass(
  terms: JudgeTerms,
  { service, wanted }: ServiceView,
  reading: ProbeReading,
  vouchers: readonly string[],
): boolean {
  if (reading.instance !== undefined) return wanted.some((one) => one.id === reading.instance && isReady(one));
  const serves = terms.expect === "alone" || vouchers.length > 0;
  return serves && wanted.length >= service.desired && wanted.every(isReady);
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
