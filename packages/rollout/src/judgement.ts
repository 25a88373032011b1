import type { CauseDetail, Observation } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import { CONVERGENCE, wantedInstances } from "./convergence-rules.ts";
import { type Crash, completed, type InstanceFacts, type ServiceFacts, tellingInstances } from "./facts.ts";
import { type ProbeFacts, RULES, type Scene, SETTLE_MS } from "./judge-rules.ts";
import { remember } from "./remember.ts";
import type { JudgeTerms, Verdict } from "./verdict.ts";

/**
 * All that the judge remembers between two observations. Its size depends on the number of services and instances,
 * not on how long it watches.
 */
export interface Judgement {
  readonly baseline: Baseline;
  readonly verdict: Verdict;
  /** Monotonic time at which the verdict may change although nothing else does: the next moment to observe. */
  readonly wakeAt: number | undefined;
  readonly memory: Memory;
  /** Since when all is right without a break, and the instances that were. */
  readonly steady: { readonly since: number; readonly key: string } | undefined;
}

export interface Memory {
  readonly services: ReadonlyMap<string, ServiceFacts>;
  readonly instances: ReadonlyMap<string, InstanceFacts>;
  readonly crashes: ReadonlyMap<string, Crash>;
  readonly conditions: { readonly since: ReadonlyMap<string, number>; readonly old: ReadonlySet<string> };
  readonly probes: ReadonlyMap<string, ProbeFacts>;
}

const NOTHING_SEEN: Verdict = { kind: "progressing", waitingFor: ["the first observation"] };

/** The judge's memory at begin. */
export function openJudgement(baseline: Baseline): Judgement {
  const probes = [...baseline.passing].map(([key, vouchers]) => [key, { vouchers, waitingSince: undefined }] as const);
  const memory = {
    services: new Map(),
    instances: new Map(),
    crashes: new Map(),
    conditions: { since: new Map(), old: baseline.conditions },
    probes: new Map(probes),
  };
  return { baseline, verdict: NOTHING_SEEN, wakeAt: undefined, memory, steady: undefined };
}

/**
 * Nothing was seen for a while (the next stage begins, the engine was away): what held before does not count towards the
 * stable window. A failure stays.
 */
export function interrupt(judgement: Judgement): Judgement {
  if (judgement.verdict.kind === "failed") return judgement;
  return { ...judgement, verdict: NOTHING_SEEN, steady: undefined };
}

/**
 * Takes one more observation in. Pure. `now` is the monotonic clock's time at which the observation was asked for, so
 * that what it shows is at least that fresh. A judgement that failed stays as it is.
 */
export function step(terms: JudgeTerms, before: Judgement, seen: Observation, now: number): Judgement {
  if (before.verdict.kind === "failed") return before;
  const observation = onlyJudged(terms, withMissingServices(seen, before.baseline.services));
  const memory = remember(terms, before, observation, now);
  const scenes = observation.services.map((service) => sceneOf(terms, memory, observation, service.name, now));
  const present = scenes.filter((scene) => scene !== undefined);
  const cause = findCause(present);
  if (cause !== undefined) {
    return { ...before, memory, steady: undefined, verdict: { kind: "failed", cause }, wakeAt: undefined };
  }
  const { verdict, steady } = decide(terms, before, present, now);
  return { ...before, memory, verdict, steady, wakeAt: nextChange(terms, present, steady?.since, now) };
}

/** What has not had its change yet is not looked at, so that no time runs for it. */
function onlyJudged({ services }: JudgeTerms, observation: Observation): Observation {
  if (services === undefined) return observation;
  return { ...observation, services: observation.services.filter(({ name }) => services.includes(name)) };
}

/** A service that the target does not show at all has no instance: the rules say the rest. */
function withMissingServices(observation: Observation, wanted: readonly string[]): Observation {
  const shown = new Set(observation.services.map((service) => service.name));
  const missing = wanted
    .filter((name) => !shown.has(name))
    .map(
      (name) =>
        ({ name, kind: "", goal: "run", desired: 1, wantedRevision: "", conditions: [], instances: [] }) as const,
    );
  return missing.length === 0 ? observation : { ...observation, services: [...observation.services, ...missing] };
}

function sceneOf(terms: JudgeTerms, memory: Memory, observation: Observation, name: string, now: number) {
  const service = observation.services.find((one) => one.name === name);
  const facts = memory.services.get(name);
  if (service === undefined || facts === undefined) return undefined;
  const wanted = new Set(wantedInstances(service).map((one) => one.id));
  const readings = observation.probes.filter((probe) => probe.service === name);
  const scene: Scene = {
    terms,
    now,
    service,
    facts,
    instances: memory.instances,
    crashes: [...memory.crashes.values()].filter((crash) => crash.service === name),
    conditionsSince: memory.conditions.since,
    probes: memory.probes,
    readings: readings.filter((probe) => probe.instance === undefined || wanted.has(probe.instance)),
    asksInstances: readings.some((probe) => probe.instance !== undefined),
  };
  return scene;
}

/** Rules go before services: the most telling sign of all services is named. */
function findCause(scenes: readonly Scene[]): CauseDetail | undefined {
  for (const rule of Object.values(RULES)) {
    for (const scene of scenes) {
      const cause = rule(scene);
      if (cause !== undefined) return cause;
    }
  }
  return undefined;
}

function decide(
  terms: JudgeTerms,
  before: Judgement,
  scenes: readonly Scene[],
  now: number,
): Pick<Judgement, "verdict" | "steady"> {
  const rules = Object.values(CONVERGENCE);
  const waitingFor = scenes.flatMap(
    (scene) => rules.map((rule) => rule(scene)).find((text) => text !== undefined) ?? [],
  );
  if (waitingFor.length > 0) return { verdict: { kind: "progressing", waitingFor }, steady: undefined };
  const key = steadyKey(scenes);
  const steady = before.steady?.key === key ? before.steady : { since: now, key };
  const left = steady.since + windowMs(terms) - now;
  if (left <= 0) return { verdict: { kind: "converged" }, steady };
  const text = `everything is right, and must stay so for ${(left / 1_000).toFixed(1)} s more`;
  return { verdict: { kind: "progressing", waitingFor: [text] }, steady };
}

function windowMs(terms: JudgeTerms): number {
  return terms.stable ? terms.policy.stableMs : 0;
}

/** Which instances are right, and how often they were restarted: a restart that nobody saw breaks the window as well. */
function steadyKey(scenes: readonly Scene[]): string {
  const keys = scenes.flatMap(({ service, instances }) =>
    tellingInstances(service)
      .filter((one) => one.phase === "current")
      .map((one) => `${one.id}/${instances.get(one.id)?.restarts ?? 0}`),
  );
  return JSON.stringify([keys.sort(), scenes.map((scene) => completed(scene.service))]);
}

function nextChange(terms: JudgeTerms, scenes: readonly Scene[], steadySince: number | undefined, now: number) {
  const { startMs } = terms.policy;
  const times = scenes.flatMap((scene) => [
    later(scene.facts.missingSince, startMs),
    ...scene.service.instances.flatMap(({ id }) => [
      later(scene.instances.get(id)?.unreadySince, startMs),
      later(scene.instances.get(id)?.endedSince, SETTLE_MS),
    ]),
    ...(scene.readings.length > 0 ? [...scene.probes.values()].map((probe) => later(probe.waitingSince, startMs)) : []),
    ...[...scene.conditionsSince.values()].map((since) => later(since, SETTLE_MS)),
  ]);
  const all = [...times, later(steadySince, windowMs(terms))].filter((time) => time !== undefined && time > now);
  return all.length === 0 ? undefined : Math.min(...all.filter((time) => time !== undefined));
}

function later(since: number | undefined, milliseconds: number): number | undefined {
  return since === undefined ? undefined : since + milliseconds;
}
