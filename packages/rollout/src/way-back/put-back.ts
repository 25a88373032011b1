import type { CauseDetail, DeploymentContext, Observation, RolloutPolicy, RunningService, Wanted } from "@belay/core";
import { messageOf } from "@belay/core";
import { announce, canHeal, emit, pauseMs } from "../announce.ts";
import type { Tenure } from "../ledger/tenure.ts";
import type { RolloutPorts } from "../ports.ts";
import { carryOut } from "../way/carry-out.ts";
import { type Course, isLate, throwIfFenced, type WayEnd } from "../way/course.ts";
import { Excused } from "../way/excused.ts";
import { nap } from "../way/watch.ts";

export interface Restored {
  readonly kind: "restored";
  readonly ms: number;
  readonly wanted: readonly Wanted[];
  /** The last thing that was seen. */
  readonly observation: Observation | undefined;
}

/** What became of the way back. `lost`: the engine was away to the end, so nobody can say. */
export type PutBack =
  | Restored
  | { readonly kind: "failed"; readonly cause: CauseDetail; readonly observation: Observation | undefined }
  | { readonly kind: "lost" };

export interface PutBackOptions {
  /** Services that are known to have been ill before, where nothing was ever proven: the way is gone to its end without them. */
  readonly ill: readonly string[];
  /** The way is prepared meanwhile, and changes nothing before. */
  readonly after?: Promise<void>;
}

/**
 * Restores a snapshot and proves it. Has the policy's deadline for itself and is not cancelled by anybody: half a way back
 * is worse than either end. @throws BelayError FENCED
 */
export async function putBack(
  ports: RolloutPorts,
  policy: RolloutPolicy,
  tenure: Tenure,
  snapshot: Uint8Array,
  context: DeploymentContext,
  { ill, after = Promise.resolve() }: PutBackOptions,
): Promise<PutBack> {
  const beganAt = ports.clock.now();
  const excused = new Excused(ill, policy.startMs);
  const course: Course = {
    ports,
    policy,
    tenure,
    direction: "back",
    beganAt,
    deadlineAt: beganAt + policy.deadlineMs,
    after,
    excused,
  };
  await announce(ports, "restoration");
  const execution = await patiently(course, () => ports.target.restoration(snapshot, context));
  if (execution.kind === "failed") return { ...execution, observation: undefined };
  if (execution.kind === "lost") return execution;
  const end = await carryOut(course, execution.value);
  const cause = whyFailed(end, excused);
  // Of a way that was left off it is not looked at what it has led to: it has not put all of it back.
  if (cause !== undefined) return { kind: "failed", cause, observation: end.leftOff ? undefined : end.observation };
  if (end.kind !== "converged") return { kind: "lost" };
  const { wanted } = execution.value;
  return { kind: "restored", ms: ports.clock.now() - beganAt, wanted, observation: end.observation };
}

/** What there is against what a way back has led to; nothing where all is right, and where the engine did not say. */
export function whyFailed(end: WayEnd, { cause }: Pick<Excused, "cause">): CauseDetail | undefined {
  if (end.kind === "converged") return cause;
  if (end.kind === "failed") return end.cause;
  if (end.kind !== "timed_out" || end.unreachable) return undefined;
  // Whoever is waited for is in the detail. That of the one that failed is known may be all that there is against it.
  const service = cause?.service;
  return { cause: "timed_out", ...(service && { service }), detail: end.waitingFor.join("; ") };
}

export type Patient<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly cause: CauseDetail }
  | { readonly kind: "lost" };

/** Asks until the engine answers or the way's deadline has passed. @throws BelayError FENCED */
export async function patiently<T>(course: Course, work: () => Promise<T>): Promise<Patient<T>> {
  for (let attempt = 0; ; attempt++) {
    throwIfFenced(course);
    try {
      return { kind: "done", value: await work() };
    } catch (error) {
      if (!canHeal(error)) return { kind: "failed", cause: { cause: "internal", detail: messageOf(error) } };
      if (isLate(course)) return { kind: "lost" };
      emit(course.ports, { kind: "unreachable", message: messageOf(error) });
      await nap(course, pauseMs(attempt, course.ports.random));
    }
  }
}

/** How long the last reading of the target may take to be had, in milliseconds. */
const READ_BACK_MS = 30_000;

/** What truly runs, read after the last change. `undefined` when the engine does not say. */
export async function readBack(
  ports: RolloutPorts,
  policy: RolloutPolicy,
): Promise<readonly RunningService[] | undefined> {
  await announce(ports, "read back");
  const beganAt = ports.clock.now();
  const course: Course = { ports, policy, direction: "back", beganAt, deadlineAt: beganAt + READ_BACK_MS };
  const running = await patiently(course, () => ports.target.running());
  if (running.kind === "done") return running.value;
  if (running.kind === "failed") ports.log.warn(`What runs could not be read: ${running.cause.detail}`);
  return undefined;
}
