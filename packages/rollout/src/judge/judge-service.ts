import type { CauseDetail } from "@belay/core";
import type { Baseline } from "./baseline.ts";
import { CONVERGENCE } from "./convergence-rules.ts";
import { countsAt, SETTLE_MS } from "./counts-at.ts";
import type { Crash } from "./facts.ts";
import { RULES } from "./judge-rules.ts";
import { type KnownInstances, knownInstances, NOBODY } from "./known-instances.ts";
import { rememberCrashes, rememberService, type ServiceMemory } from "./remember.ts";
import { isSameService, type ShownService } from "./same-service.ts";
import { type Scene, sceneOf } from "./scene.ts";
import type { JudgeTerms } from "./verdict.ts";

/** What one look at one service comes to. All of a service is done at a stroke, while its instances are at hand. */
export interface ServiceJudgement {
  /** What was looked at, and what it was asked for: the same once more comes to the same until {@link wakeAt}. */
  readonly shown: ShownService;
  readonly terms: JudgeTerms;
  readonly memory: ServiceMemory;
  readonly crashes: ReadonlyMap<string, Crash> | undefined;
  /** The most telling sign that decides. `rank`: its place among the rules, the lowest tells most. */
  readonly failure: { readonly rank: number; readonly cause: CauseDetail } | undefined;
  /** What is not right yet; nothing when all is. */
  readonly waitsFor: string | undefined;
  /** When that may change although nothing else does, monotonic. */
  readonly wakeAt: number | undefined;
}

export interface ServiceBefore {
  readonly last: ServiceJudgement | undefined;
  /** Remembered longer than the last look: while a service is not judged. */
  readonly crashes: ReadonlyMap<string, Crash> | undefined;
}

export function judgeService(
  terms: JudgeTerms,
  baseline: Baseline,
  before: ServiceBefore,
  shown: ShownService,
  now: number,
): ServiceJudgement {
  const { last } = before;
  const { service } = shown;
  const instances = knownInstances(service, last?.memory.instances ?? NOBODY, baseline, now);
  const same = last !== undefined && isSameService(last.shown, shown);
  if (same && standsStill(last, terms, instances, now)) return last;
  const memory = rememberService(terms, baseline, last?.memory, shown, instances, now);
  const crashes = rememberCrashes(service, instances, before.crashes);
  const scene = sceneOf(terms, shown, memory, crashes, now);
  const quiet = isQuiet(scene);
  return {
    shown: same ? last.shown : withoutInstances(shown),
    terms,
    memory,
    crashes,
    failure: quiet ? undefined : findFailure(scene),
    waitsFor: findWait(scene),
    wakeAt: quiet ? undefined : nextChange(scene),
  };
}

/** They are remembered for themselves, as they looked when they changed last: what a look showed is not held. */
function withoutInstances({ service, readings }: ShownService): ShownService {
  return { service: { ...service, instances: [] }, readings };
}

/** Of a service that looks the same: none of its instances tells anything new, and no time has come for which it was waited. */
function standsStill(last: ServiceJudgement, terms: JudgeTerms, instances: KnownInstances, now: number): boolean {
  if (last.terms !== terms || (last.wakeAt !== undefined && now >= last.wakeAt)) return false;
  return instances === last.memory.instances;
}

function findFailure(scene: Scene): ServiceJudgement["failure"] {
  for (let rank = 0; rank < RULE_LIST.length; rank++) {
    const cause = RULE_LIST[rank]?.(scene);
    if (cause !== undefined) return { rank, cause };
  }
  return undefined;
}

/** Whether there is nothing from which a rule could conclude anything, nor time alone: so it is with most services. */
function isQuiet({ service, instances, crashes, readings, memory }: Scene): boolean {
  return (
    instances.telling.length === 0 &&
    crashes.length === 0 &&
    readings.length === 0 &&
    service.conditions.length === 0 &&
    memory.missingSince === undefined
  );
}

function findWait(scene: Scene): string | undefined {
  for (const rule of CONVERGENCE_LIST) {
    const text = rule(scene);
    if (text !== undefined) return text;
  }
  return undefined;
}

const RULE_LIST = Object.values(RULES);
const CONVERGENCE_LIST = Object.values(CONVERGENCE);

function nextChange(scene: Scene): number | undefined {
  const { terms, now, memory, instances } = scene;
  const { startMs } = terms.policy;
  let next: number | undefined;
  const consider = (since: number | undefined, milliseconds = 0): void => {
    if (since !== undefined && since + milliseconds > now) next = earlier(next, since + milliseconds);
  };
  consider(memory.missingSince, startMs);
  for (const { facts } of instances.telling) {
    consider(facts.unreadySince, startMs);
    consider(facts.endedSince, SETTLE_MS);
  }
  for (const { waitingSince } of memory.probes.values()) consider(waitingSince, startMs);
  for (const condition of scene.service.conditions) consider(countsAt(scene, condition));
  return next;
}

export function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
