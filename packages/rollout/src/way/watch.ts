import { describeCause, type Expectation, messageOf, type Observation, type Wanted } from "@belay/core";
import { canHeal, emit, pauseMs } from "../announce.ts";
import { forgive, interrupt, type Judgement, step } from "../judge/judgement.ts";
import { lateReasons } from "../judge/late-reasons.ts";
import type { JudgeTerms } from "../judge/verdict.ts";
import { bound, type Course, isCancelled, isLate, throwIfFenced, type WayEnd } from "./course.ts";
import type { Doorbell } from "./doorbell.ts";
import { observeTarget } from "./observe-target.ts";
import { progressOf } from "./progress.ts";

/**
 * How long the watch goes without a look when nothing rings: a stream of events may have lost one. At first often, later at
 * a share of the time that has passed, so that waiting for long costs little.
 */
const LOOK_EVERY_MS = { least: 2_000, most: 15_000 } as const;
const LOOK_SHARE = 1 / 2;

export interface WatchedStage {
  readonly name: string;
  readonly expect: Expectation;
  readonly stable: boolean;
  readonly services?: readonly string[];
  readonly changesFollow?: boolean;
}

export interface Watched {
  readonly judgement: Judgement;
  readonly end: WayEnd;
}

/** An engine that has not answered for so long when the deadline cuts the question off counts as unreachable. */
const SILENT_MS = 5_000;

export type Look =
  | { readonly kind: "seen"; readonly observation: Observation; readonly at: number; readonly gaps: number }
  /** `unreachable`: the engine failed to answer. Else the way was over before it could. */
  | { readonly kind: "over"; readonly unreachable: boolean };

/** A look at the target, with the probes' readings, as long as the way is not over. */
export async function look(course: Course, wanted: readonly Wanted[]): Promise<Look> {
  const { target, prober, clock, random } = course.ports;
  for (let gaps = 0; ; gaps++) {
    throwIfFenced(course);
    if (isCancelled(course) || (gaps > 0 && isLate(course))) return { kind: "over", unreachable: true };
    const at = clock.now();
    const limit = bound(course);
    try {
      const seen = await observeTarget(target, wanted, { tenure: course.tenure, signal: limit.signal });
      prober?.follow(seen);
      const readings = prober?.readings() ?? [];
      return { kind: "seen", observation: { ...seen, probes: [...seen.probes, ...readings] }, at, gaps };
    } catch (error) {
      if (!limit.signal.aborted && !canHeal(error)) throw error;
      // Cut off by our own deadline, which says nothing of an engine that was asked only a moment ago.
      const cut = limit.signal.aborted && isLate(course);
      if (cut && gaps === 0 && clock.now() - at < SILENT_MS) return { kind: "over", unreachable: false };
      emit(course.ports, { kind: "unreachable", message: messageOf(error) });
      await nap(course, pauseMs(gaps, random));
    } finally {
      limit.done();
    }
  }
}

/** Sleeps unless the way is cancelled meanwhile. */
export async function nap(course: Course, milliseconds: number): Promise<void> {
  const left = Math.max(0, Math.min(milliseconds, course.deadlineAt - course.ports.clock.now()));
  try {
    await course.ports.clock.sleep(left, course.cancel);
  } catch (error) {
    if (!isCancelled(course)) throw error;
  }
}

/** Looks and judges until the stage has converged or failed, or the way is over. @throws BelayError FENCED */
export async function watch(
  course: Course,
  stage: WatchedStage,
  wanted: readonly Wanted[],
  before: Judgement,
  bell: Doorbell,
): Promise<Watched> {
  const { expect, stable, services, changesFollow = false } = stage;
  const isLast = course.direction === "back";
  const { policy } = course;
  const terms: JudgeTerms = { policy, expect, stable, changesFollow, isLast, ...(services && { services }) };
  let judgement = interrupt(before);
  let observation: Observation | undefined;
  for (;;) {
    const seen = await look(course, wanted);
    if (seen.kind === "over") return { judgement, end: unseen(course, judgement, observation, seen.unreachable) };
    observation = seen.observation;
    const shown = course.excused?.show(observation, seen.at) ?? observation;
    judgement = step(terms, seen.gaps > 0 ? interrupt(judgement) : judgement, shown, seen.at);
    const without = excuse(course, judgement);
    if (without !== undefined) {
      judgement = without;
      continue;
    }
    tell(course, stage, observation, judgement);
    const end = endOf(course, judgement, observation);
    if (end !== undefined) return { judgement, end };
    const until = Math.min(judgement.wakeAt ?? Number.POSITIVE_INFINITY, nextLook(course));
    const limit = bound(course);
    await bell.wait(Math.min(until, course.deadlineAt), limit.signal).finally(limit.done);
    // The last look stands: one that begins at the deadline could only be cut off.
    if (isLate(course) && !isCancelled(course))
      return { judgement, end: unseen(course, judgement, observation, false) };
  }
}

/** How it goes on without the service that failed, where nothing better is known of that one than that it does. */
function excuse({ excused, ports }: Course, judgement: Judgement): Judgement | undefined {
  const { verdict } = judgement;
  if (verdict.kind !== "failed" || excused === undefined) return undefined;
  const { service } = verdict.cause;
  if (service === undefined || !excused.take(service, verdict.cause)) return undefined;
  ports.log.warn(`It was not right before either, and the way back goes on: ${describeCause(verdict.cause)}`);
  return forgive(judgement, service);
}

function nextLook({ ports, beganAt }: Course): number {
  const now = ports.clock.now();
  return now + Math.min(Math.max((now - beganAt) * LOOK_SHARE, LOOK_EVERY_MS.least), LOOK_EVERY_MS.most);
}

function endOf(course: Course, judgement: Judgement, observation: Observation): WayEnd | undefined {
  const { verdict } = judgement;
  const rest = { observation, touched: true };
  if (verdict.kind !== "progressing") return { ...verdict, ...rest };
  if (!isLate(course)) return undefined;
  const waitingFor = [...verdict.waitingFor, ...lateReasons(judgement)];
  return { kind: "timed_out", waitingFor, unreachable: false, ...rest };
}

function unseen(
  course: Course,
  judgement: Judgement,
  observation: Observation | undefined,
  unreachable: boolean,
): WayEnd {
  if (isCancelled(course)) return { kind: "cancelled", observation, touched: true };
  const { verdict } = judgement;
  const waited = verdict.kind === "progressing" ? verdict.waitingFor : [];
  const waitingFor = unreachable ? waited : [...waited, ...lateReasons(judgement)];
  return { kind: "timed_out", waitingFor, unreachable, observation, touched: true };
}

function tell(course: Course, stage: WatchedStage, observation: Observation, judgement: Judgement): void {
  if (course.ports.onEvent === undefined) return;
  emit(course.ports, {
    kind: "observed",
    direction: course.direction,
    stage: stage.name,
    elapsedMs: course.ports.clock.now() - course.beganAt,
    services: progressOf(observation),
    verdict: judgement.verdict,
  });
}
