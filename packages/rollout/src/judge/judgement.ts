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

/** The judge goes on without a service that failed: what is known of that one counts no more, and all else stays. */
export function forgive(judgement: Judgement, service: string): Judgement {
  const { memory } = judgement;
  const services = new Map(memory.services);
  const crashes = new Map(memory.crashes);
  services.delete(service);
  crashes.delete(service);
  return interrupt({ ...judgement, verdict: NOTHING_SEEN, memory: { ...memory, services, crashes } });
}

/**
 * Takes one more observation in. Pure. `now` is the monotonic clock's time at which the observation was asked for, so
 * that what it shows is at least that fresh. A judgement that failed stays as it is. Costs as much as there are instances.
 */
export function step(terms: JudgeTerms, before: Judgement, seen: Observation, now: number): Judgement {
  if (before.verdict.kind === "failed") return before;
  const services = judgeServices(terms, before, seen, now);
  const judged = [...services.values()];
  const memory = remember(before.memory, services, judged);
  const cause = findCause(judged);
  if (cause !== undefined) {
    return { ...before, memory, steady: undefined, verdict: { kind: "failed", cause }, wakeAt: undefined };
  }
  return { ...before, memory, ...decide(terms, before, memory, judged, now) };
}

/** In the order in which they are shown, those that are not shown last. */
function judgeServices(
  terms: JudgeTerms,
  { baseline, memory }: Judgement,
  seen: Observation,
  now: number,
): Memory["services"] {
  const readings = readingsByService(seen);
  const only = terms.services && new Set(terms.services);
  const judged = new Map<string, ServiceJudgement>();
  const judge = (service: ObservedService): void => {
    const { name } = service;
    // What has not had its change yet is not looked at, so that no time runs for it.
    if (only?.has(name) === false) return;
    const past = { last: memory.services.get(name), crashes: memory.crashes.get(name) };
    const shown = { service, readings: readings.get(name) ?? NO_READINGS };
    judged.set(name, judgeService(terms, baseline, past, shown, now));
  };
  for (const service of seen.services) judge(service);
  for (const name of baseline.services) if (!judged.has(name)) judge(missingService(name));
  return judged;
}

const NO_READINGS: readonly ProbeReading[] = [];

function remember(before: Memory, services: Memory["services"], judged: readonly ServiceJudgement[]): Memory {
  let crashes: Map<string, ReadonlyMap<string, Crash>> | undefined;
  let turned = services.size !== before.services.size;
  for (const one of judged) {
    const { name } = one.shown.service;
    // What is as it was at the look before has not turned since.
    turned ||= one.memory.turned && one !== before.services.get(name);
    if (one.crashes === undefined || one.crashes === before.crashes.get(name)) continue;
    crashes ??= new Map(before.crashes);
    crashes.set(name, one.crashes);
  }
  return { services, crashes: crashes ?? before.crashes, turns: before.turns + (turned ? 1 : 0) };
}

/** A service that the target does not show at all has no instance: the rules say the rest. */
function missingService(name: string): ObservedService {
  return { name, kind: "", goal: "run", desired: 1, wantedRevision: "", conditions: [], instances: [] };
}

/** Rules go before services: the most telling sign of all services is named. */
function findCause(judged: readonly ServiceJudgement[]): CauseDetail | undefined {
  let found: ServiceJudgement["failure"];
  for (const { failure } of judged) {
    if (failure !== undefined && failure.rank < (found?.rank ?? Number.POSITIVE_INFINITY)) found = failure;
  }
  return found?.cause;
}

function decide(
  terms: JudgeTerms,
  before: Judgement,
  { turns }: Memory,
  judged: readonly ServiceJudgement[],
  now: number,
): Pick<Judgement, "verdict" | "steady" | "wakeAt"> {
  const waitingFor: string[] = [];
  let wakeAt: number | undefined;
  for (const one of judged) {
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
