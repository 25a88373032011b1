import {
  type CauseDetail,
  type Execution,
  type ExecutionStage,
  isBelayError,
  messageOf,
  toBelayError,
  withPermit,
} from "@belay/core";
import { announce, canHeal, emit, pauseMs } from "../announce.ts";
import { takeBaseline } from "../judge/baseline.ts";
import { type Judgement, openJudgement } from "../judge/judgement.ts";
import { bound, type Course, isCancelled, isLate, throwIfFenced, WAY_STEPS, type WayEnd } from "./course.ts";
import { Doorbell } from "./doorbell.ts";
import { look, nap, watch } from "./watch.ts";

/** How long an act that was told to stop may take to do so, before the way back begins beside it. */
const STOP_MS = 5_000;

/**
 * Goes a way stage by stage: acts, then watches until the judge has decided. The judge keeps its memory over the stages.
 * @throws BelayError FENCED when another run took over: nothing more may be changed.
 */
export async function carryOut(course: Course, execution: Execution): Promise<WayEnd> {
  const { ports } = course;
  const streams = new AbortController();
  const bell = new Doorbell(ports.clock);
  const way = { touched: false };
  try {
    await announce(ports, WAY_STEPS[course.direction].baseline);
    const first = await look(course, execution.wanted);
    if (first.kind === "over") return notBegun(course, first.unreachable);
    bell.connect(ports.target, ports.prober, streams.signal, ports.log);
    return await goStages(course, execution, openJudgement(takeBaseline(first.observation)), bell, way);
  } catch (error) {
    if (isBelayError(error, "FENCED")) throw error;
    return { kind: "failed", cause: causeOf(error), observation: undefined, touched: way.touched };
  } finally {
    streams.abort();
  }
}

function notBegun(course: Course, unreachable: boolean): WayEnd {
  if (isCancelled(course)) return { kind: "cancelled", observation: undefined, touched: false };
  return { kind: "timed_out", waitingFor: [], unreachable, observation: undefined, touched: false };
}

async function goStages(
  course: Course,
  execution: Execution,
  opened: Judgement,
  bell: Doorbell,
  way: { touched: boolean },
): Promise<WayEnd> {
  let judgement = opened;
  let last: WayEnd = { kind: "converged", observation: undefined, touched: false };
  for (const [index, stage] of execution.stages.entries()) {
    const stopped = await act(course, stage, way);
    // Part of the act may be done, which nobody has looked at yet.
    if (stopped !== undefined) return { ...stopped, observation: undefined, touched: way.touched };
    await announce(course.ports, WAY_STEPS[course.direction].watch, stage.name);
    const later = execution.stages.slice(index + 1);
    const changesFollow = later.some(({ stable }) => stable);
    const watched = await watch(course, { ...stage, changesFollow }, execution.wanted, judgement, bell);
    judgement = watched.judgement;
    last = watched.end;
    if (last.kind !== "converged") return later.length === 0 ? last : { ...last, leftOff: true };
  }
  return last;
}

type NoAct =
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly cause: CauseDetail }
  | { readonly kind: "timed_out"; readonly waitingFor: readonly string[]; readonly unreachable: boolean };

/** Acts, again when the engine was away: acts are safe to repeat. Nothing when it is done. */
async function act(course: Course, stage: ExecutionStage, way: { touched: boolean }): Promise<NoAct | undefined> {
  const { ports } = course;
  await course.after;
  for (let attempt = 0; ; attempt++) {
    await announce(ports, WAY_STEPS[course.direction].act, stage.name);
    throwIfFenced(course);
    if (isCancelled(course)) return { kind: "cancelled" };
    try {
      await course.tenure?.guard();
      // It may just have learnt that it is to stop.
      if (isCancelled(course)) return { kind: "cancelled" };
      way.touched = true;
      await actOnce(course, stage);
      return undefined;
    } catch (error) {
      throwIfFenced(course);
      if (isBelayError(error, "FENCED")) throw error;
      if (isCancelled(course)) return { kind: "cancelled" };
      if (isLate(course))
        return { kind: "timed_out", waitingFor: [lateness(stage, error)], unreachable: canHeal(error) };
      const lostLife = course.tenure?.signal.aborted === true;
      if (!canHeal(error) && !lostLife) return { kind: "failed", cause: causeOf(error) };
      emit(ports, { kind: "unreachable", message: messageOf(error) });
      await nap(course, pauseMs(attempt, ports.random));
    }
  }
}

/** An act that our own deadline cut off says nothing else than that. */
function lateness({ name }: ExecutionStage, error: unknown): string {
  const isCut = error instanceof DOMException && error.name === "AbortError";
  return isCut ? `the stage "${name}" was still at work` : messageOf(error);
}

/**
 * Once told to stop, an act gets a moment to end by itself, so that it does not run beside the way back. From then on it
 * changes nothing more, as it does when it finds itself woken after this run's life.
 */
async function actOnce(course: Course, stage: ExecutionStage): Promise<void> {
  const { clock } = course.ports;
  const limit = bound(course, course.tenure?.signal);
  const over = new AbortController();
  try {
    const stopped = new Promise<never>((_, reject) => {
      const stop = (): void => {
        clock.sleep(STOP_MS, over.signal).then(
          () => reject(limit.signal.reason),
          (error: unknown) => reject(error),
        );
      };
      if (limit.signal.aborted) stop();
      else limit.signal.addEventListener("abort", stop, { once: true });
    });
    const mayChange = (): void => {
      course.tenure?.mayChange();
      limit.signal.throwIfAborted();
    };
    await Promise.race([withPermit(mayChange, () => stage.act(limit.signal)), stopped]);
    limit.signal.throwIfAborted();
  } finally {
    over.abort();
    limit.done();
  }
}

/** A change that the engine refused is the release's fault until the opposite is shown; anything else is ours. */
export function causeOf(error: unknown): CauseDetail {
  const where = isBelayError(error) && error.service !== undefined ? { service: error.service } : {};
  if (isBelayError(error, "ENGINE_ERROR", "ENGINE_FORBIDDEN", "PROCESS_FAILED")) {
    return { cause: "start_failed", ...where, detail: error.message };
  }
  if (isBelayError(error, "ENGINE_UNREACHABLE", "TIMED_OUT")) {
    return { cause: "engine_unreachable", detail: error.message };
  }
  return { cause: "internal", ...where, detail: toBelayError(error, "carrying out the deployment").message };
}
