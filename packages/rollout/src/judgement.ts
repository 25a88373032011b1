import type { CauseDetail, Observation, ObservedService } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import { CONVERGENCE } from "./convergence-rules.ts";
import { RULES, SETTLE_MS } from "./judge-rules.ts";
import { type Memory, readingsByService, remember } from "./remember.ts";
import { type Scene, type ServiceView, sceneOf, viewOf } from "./scene.ts";
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
  /** Since when all is right without a break, and how often anything had turned by then. */
  readonly steady: { readonly since: number; readonly turns: number } | undefined;
}

const NOTHING_SEEN: Verdict = { kind: "progressing", waitingFor: ["the first observation"] };

/** The judge's memory at begin. */
export function openJudgement(baseline: Baseline): Judgement {
  const memory = { services: new Map(), crashes: new Map(), turns: 0 };
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
 * that what it shows is at least that fresh. A judgement that failed stays as it is. Costs as much as there are instances.
 */
export function step(terms: JudgeTerms, before: Judgement, seen: Observation, now: number): Judgement {
  if (before.verdict.kind === "failed") return before;
  const readings = readingsByService(seen);
  const services = onlyJudged(terms, withMissingServices(seen.services, before.baseline.services));
  const views = services.map((service) => viewOf(service, readings.get(service.name) ?? []));
  const memory = remember(terms, before.baseline, before.memory, views, now);
  const scenes = scenesOf(terms, memory, views, now);
  const cause = findCause(scenes);
  if (cause !== undefined) {
    return { ...before, memory, steady: undefined, verdict: { kind: "failed", cause }, wakeAt: undefined };
  }
  const { verdict, steady } = decide(terms, before, memory, scenes, now);
  return { ...before, memory, verdict, steady, wakeAt: nextChange(terms, scenes, steady?.since, now) };
}

/** What has not had its change yet is not looked at, so that no time runs for it. */
function onlyJudged(terms: JudgeTerms, services: readonly ObservedService[]): readonly ObservedService[] {
  if (terms.services === undefined) return services;
  const judged = new Set(terms.services);
  return services.filter(({ name }) => judged.has(name));
}

/** A service that the target does not show at all has no instance: the rules say the rest. */
function withMissingServices(
  services: readonly ObservedService[],
  wanted: readonly string[],
): readonly ObservedService[] {
  const shown = new Set(services.map((service) => service.name));
  const missing = wanted.filter((name) => !shown.has(name)).map(missingService);
  return missing.length === 0 ? services : [...services, ...missing];
}

function missingService(name: string): ObservedService {
  return { name, kind: "", goal: "run", desired: 1, wantedRevision: "", conditions: [], instances: [] };
}

function scenesOf(terms: JudgeTerms, memory: Memory, views: readonly ServiceView[], now: number): readonly Scene[] {
  return views.flatMap((view) => {
    const remembered = memory.services.get(view.service.name);
    return remembered === undefined ? [] : sceneOf(terms, memory, view, remembered, now);
  });
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
  { turns }: Memory,
  scenes: readonly Scene[],
  now: number,
): Pick<Judgement, "verdict" | "steady"> {
  const waitingFor = scenes.flatMap((scene) => waitsFor(scene) ?? []);
  if (waitingFor.length > 0) return { verdict: { kind: "progressing", waitingFor }, steady: undefined };
  const steady = before.steady?.turns === turns ? before.steady : { since: now, turns };
  const left = steady.since + windowMs(terms) - now;
  if (left <= 0) return { verdict: { kind: "converged" }, steady };
  const text = `everything is right, and must stay so for ${(left / 1_000).toFixed(1)} s more`;
  return { verdict: { kind: "progressing", waitingFor: [text] }, steady };
}

function waitsFor(scene: Scene): string | undefined {
  for (const rule of Object.values(CONVERGENCE)) {
    const text = rule(scene);
    if (text !== undefined) return text;
  }
  return undefined;
}

function windowMs(terms: JudgeTerms): number {
  return terms.stable ? terms.policy.stableMs : 0;
}

function nextChange(
  terms: JudgeTerms,
  scenes: readonly Scene[],
  steadySince: number | undefined,
  now: number,
): number | undefined {
  const { startMs } = terms.policy;
  let next: number | undefined;
  const consider = (since: number | undefined, milliseconds: number): void => {
    if (since === undefined || since + milliseconds <= now) return;
    next = Math.min(next ?? Number.POSITIVE_INFINITY, since + milliseconds);
  };
  consider(steadySince, windowMs(terms));
  for (const { memory, telling } of scenes) {
    consider(memory.missingSince, startMs);
    for (const { facts } of telling) {
      consider(facts.unreadySince, startMs);
      consider(facts.endedSince, SETTLE_MS);
    }
    for (const { waitingSince } of memory.probes.values()) consider(waitingSince, startMs);
    for (const since of memory.conditions.since.values()) consider(since, SETTLE_MS);
  }
  return next;
}
