import type { CauseDetail, Observation, ObservedService, ProbeReading } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import type { Crash } from "./facts.ts";
import { earlier, judgeService, type ServiceJudgement } from "./judge-service.ts";
import { readingsByService } from "./remember.ts";
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

/** What the last look at each judged service came to, and every crash of all of them. */
export interface Memory {
  readonly services: ReadonlyMap<string, ServiceJudgement>;
  /** Per service; never forgotten. */
  readonly crashes: ReadonlyMap<string, ReadonlyMap<string, Crash>>;
  /** How often something turned (`ServiceMemory.turned`): nothing came, went or restarted while it is the same. */
  readonly turns: number;
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
  const { baseline, memory: known } = before;
  const readings = readingsByService(seen);
  const services = onlyJudged(terms, withMissingServices(seen.services, baseline.services));
  const judged = new Map<string, ServiceJudgement>();
  for (const service of services) {
    const { name } = service;
    const past = { last: known.services.get(name), crashes: known.crashes.get(name) };
    const shown = { service, readings: readings.get(name) ?? NO_READINGS };
    judged.set(name, judgeService(terms, baseline, past, shown, now));
  }
  const memory = remember(known, judged);
  const cause = findCause(judged);
  if (cause !== undefined) {
    return { ...before, memory, steady: undefined, verdict: { kind: "failed", cause }, wakeAt: undefined };
  }
  return { ...before, memory, ...decide(terms, before, memory, judged, now) };
}

const NO_READINGS: readonly ProbeReading[] = [];

function remember(before: Memory, judged: ReadonlyMap<string, ServiceJudgement>): Memory {
  let crashes: Map<string, ReadonlyMap<string, Crash>> | undefined;
  let turned = judged.size !== before.services.size;
  for (const [name, one] of judged) {
    // What is as it was at the look before has not turned since.
    turned ||= one.memory.turned && one !== before.services.get(name);
    if (one.crashes === undefined || one.crashes === before.crashes.get(name)) continue;
    crashes ??= new Map(before.crashes);
    crashes.set(name, one.crashes);
  }
  return { services: judged, crashes: crashes ?? before.crashes, turns: before.turns + (turned ? 1 : 0) };
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

/** Rules go before services: the most telling sign of all services is named. */
function findCause(judged: ReadonlyMap<string, ServiceJudgement>): CauseDetail | undefined {
  let found: ServiceJudgement["failure"];
  for (const { failure } of judged.values()) {
    if (failure !== undefined && failure.rank < (found?.rank ?? Number.POSITIVE_INFINITY)) found = failure;
  }
  return found?.cause;
}

function decide(
  terms: JudgeTerms,
  before: Judgement,
  { turns }: Memory,
  judged: ReadonlyMap<string, ServiceJudgement>,
  now: number,
): Pick<Judgement, "verdict" | "steady" | "wakeAt"> {
  const waitingFor: string[] = [];
  let wakeAt: number | undefined;
  for (const one of judged.values()) {
    if (one.waitsFor !== undefined) waitingFor.push(one.waitsFor);
    wakeAt = earlier(wakeAt, one.wakeAt);
  }
  if (waitingFor.length > 0) return { verdict: { kind: "progressing", waitingFor }, steady: undefined, wakeAt };
  const steady = before.steady?.turns === turns ? before.steady : { since: now, turns };
  const until = steady.since + windowMs(terms);
  if (until <= now) return { verdict: { kind: "converged" }, steady, wakeAt };
  const text = `everything is right, and must stay so for ${((until - now) / 1_000).toFixed(1)} s more`;
  return { verdict: { kind: "progressing", waitingFor: [text] }, steady, wakeAt: earlier(wakeAt, until) };
}

function windowMs(terms: JudgeTerms): number {
  return terms.stable ? terms.policy.stableMs : 0;
}
