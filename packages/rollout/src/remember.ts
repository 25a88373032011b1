import type { Observation, ObservedService, ProbeReading } from "@belay/core";
import { type Baseline, isReady, probeKey, readyIds } from "./baseline.ts";
import { wantedInstances } from "./convergence-rules.ts";
import {
  type Crash,
  countCrashes,
  type InstanceFacts,
  rememberConditions,
  rememberInstance,
  rememberService,
  tellingInstances,
} from "./facts.ts";
import type { ProbeFacts } from "./judge-rules.ts";
import type { Judgement, Memory } from "./judgement.ts";
import type { JudgeTerms } from "./verdict.ts";

/** The memory after one more observation. Forgets what is no longer shown, but never a crash. */
export function remember(terms: JudgeTerms, before: Judgement, observation: Observation, now: number): Memory {
  const { services } = observation;
  const { baseline, memory } = before;
  const instances = rememberInstances(services, baseline, memory, now);
  return {
    instances,
    services: new Map(services.map((one) => [one.name, rememberService(one, memory.services.get(one.name), now)])),
    crashes: rememberCrashes(services, instances, memory.crashes),
    conditions: rememberConditions(services, memory.conditions, now),
    probes: rememberProbes(terms, observation, memory, now),
  };
}

function rememberInstances(
  services: readonly ObservedService[],
  baseline: Baseline,
  memory: Memory,
  now: number,
): ReadonlyMap<string, InstanceFacts> {
  const telling = services.flatMap((service) => tellingInstances(service));
  return new Map(
    telling.map((one) => [
      one.id,
      rememberInstance(one, memory.instances.get(one.id), baseline.instances.get(one.id), now),
    ]),
  );
}

function rememberCrashes(
  services: readonly ObservedService[],
  instances: ReadonlyMap<string, InstanceFacts>,
  before: ReadonlyMap<string, Crash>,
): ReadonlyMap<string, Crash> {
  const crashes = new Map(before);
  for (const service of services) {
    for (const instance of tellingInstances(service)) {
      const facts = instances.get(instance.id)?.containers;
      for (const container of instance.containers) {
        const key = JSON.stringify([service.name, instance.slot, container.name, instance.id]);
        const count = countCrashes(service, instance, container, facts?.get(container.name));
        if (count <= (before.get(key)?.count ?? 0)) continue;
        const place = { service: service.name, slot: instance.slot, container: container.name, title: instance.title };
        crashes.set(key, { ...place, count, exitCode: container.lastExit?.code });
      }
    }
  }
  return crashes;
}

function rememberProbes(
  terms: JudgeTerms,
  observation: Observation,
  memory: Memory,
  now: number,
): ReadonlyMap<string, ProbeFacts> {
  return new Map(
    observation.probes.map((reading) => {
      const key = probeKey(reading);
      return [key, rememberProbe(terms, observation, reading, memory.probes.get(key), now)] as const;
    }),
  );
}

function rememberProbe(
  terms: JudgeTerms,
  observation: Observation,
  reading: ProbeReading,
  before: ProbeFacts | undefined,
  now: number,
): ProbeFacts {
  if (reading.state === "passing") return { vouchers: vouchersOf(observation, reading), waitingSince: undefined };
  const vouchers = before?.vouchers ?? [];
  const due = couldPass(terms, observation, reading, vouchers);
  return { vouchers, waitingSince: due ? (before?.waitingSince ?? now) : undefined };
}

function vouchersOf(observation: Observation, reading: ProbeReading): readonly string[] {
  return reading.instance === undefined ? readyIds(observation, reading.service) : [reading.instance];
}

/** Its start time runs once all that it asks is ready; until then, the instances' own start time decides. */
function couldPass(
  terms: JudgeTerms,
  observation: Observation,
  reading: ProbeReading,
  vouchers: readonly string[],
): boolean {
  const service = observation.services.find((one) => one.name === reading.service);
  const wanted = service === undefined ? [] : wantedInstances(service);
  if (reading.instance !== undefined) return wanted.some((one) => one.id === reading.instance && isReady(one));
  const serves = terms.expect === "alone" || vouchers.length > 0;
  return serves && wanted.length >= (service?.desired ?? 0) && wanted.every(isReady);
}
