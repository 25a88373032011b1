import {
  type CauseDetail,
  messageOf,
  type Observation,
  type RolloutPolicy,
  type RunningService,
  type Wanted,
} from "@belay/core";
import { abortable } from "../abortable.ts";
import type { Tenure } from "../ledger/tenure.ts";
import type { RolloutPorts } from "../ports.ts";
import { bound } from "../way/course.ts";
import { observeTarget } from "../way/observe-target.ts";
import { readBack } from "./put-back.ts";

/** How long instances that were lost after they were judged may take to be ready again, in milliseconds. */
const AGAIN_MS = 30_000;
const AGAIN_EVERY_MS = 500;
/** How long a look in between may take, in milliseconds. */
const LOOK_MS = 5_000;

/** What a way has led to, by the judge. */
export interface Judged {
  readonly direction: "forward" | "back";
  readonly wanted: readonly Wanted[];
  /** The last thing that was seen on it. */
  readonly observation: Observation | undefined;
  /** Of the deployment that went it. */
  readonly tenure: Tenure;
}

export interface Proof {
  readonly running: readonly RunningService[];
  /** Why that is not what was judged to be right. None when it is. */
  readonly cause?: CauseDetail;
}

/**
 * Reads the target after the last change, and holds that against what was judged to be right. An engine that was restarted
 * just then brings the instances up again: it is waited for that, and for nothing else. Where fewer instances are ready than
 * were judged, it may be an autoscaler that wants no more by now. `undefined` when the engine does not say.
 */
export async function proveRunning(
  ports: RolloutPorts,
  policy: RolloutPolicy,
  judged: Judged,
): Promise<Proof | undefined> {
  const { clock, signal } = ports;
  let until: number | undefined;
  for (let now: Observation | undefined; ; now = (await lookAgain(ports, policy, judged)) ?? now) {
    const running = await readBack(ports, policy);
    if (running === undefined) return undefined;
    // From the first answer, which may itself have been long in coming: there is always time for a second look.
    until ??= clock.now() + AGAIN_MS;
    const wanted = judged.wanted.map((one) => asWanted(one, judged, now));
    const strange = wanted.filter((one) => !isRunning(one, running, judged));
    const [first] = strange;
    if (first === undefined) return { running };
    // Nobody cancels a way back.
    const over = clock.now() >= until || (judged.direction === "forward" && signal.aborted);
    if (over || !strange.every((one) => isShort(one, running)))
      return { running, cause: causeOf(first, running, judged) };
    await clock.sleep(AGAIN_EVERY_MS);
  }
}

function causeOf(strange: Wanted, running: readonly RunningService[], { direction }: Judged): CauseDetail {
  const { service } = strange;
  if (isShort(strange, running)) {
    const detail = "it was ready, and was not any more when it was read back";
    return { cause: "readiness_lost", service, detail };
  }
  const was = direction === "forward" ? "what was deployed" : "what ran before and was put back";
  return { cause: "drifted", service, detail: `what was read back is not ${was}` };
}

/**
 * Fewer instances than were planned are enough where somebody wanted fewer meanwhile: the judge went by that number, too, and
 * goes by what is wanted `now`. Where none is wanted any more, nothing can be seen to run. Where the plan had none (a DaemonSet
 * whose nodes nobody has counted yet, a scale from 0 meanwhile), it is what was judged.
 */
function asWanted(wanted: Wanted, { observation, direction }: Judged, now: Observation | undefined): Wanted {
  const judged = seenDesired(wanted, observation) ?? wanted.desired;
  const planned = wanted.desired === 0 && direction === "forward" ? judged : wanted.desired;
  return { ...wanted, desired: Math.min(planned, judged, Math.max(1, seenDesired(wanted, now) ?? judged)) };
}

/** Nothing when the engine does not say. */
async function lookAgain(
  ports: RolloutPorts,
  policy: RolloutPolicy,
  { direction, wanted, tenure }: Judged,
): Promise<Observation | undefined> {
  const beganAt = ports.clock.now();
  const limit = bound({ ports, policy, direction, beganAt, deadlineAt: beganAt + LOOK_MS });
  try {
    return await abortable(observeTarget(ports.target, wanted, { tenure, signal: limit.signal }), limit.signal);
  } catch (error) {
    ports.log.debug(`How many instances are wanted now is not known: ${messageOf(error)}`);
    return undefined;
  } finally {
    limit.done();
  }
}

/** How many instances of a service the target was seen to want. */
export function seenDesired({ service }: Wanted, observation: Observation | undefined): number | undefined {
  return observation?.services.find(({ name }) => name === service)?.desired;
}

/** It is what was judged, and fewer instances of it are ready than should be. */
function isShort(wanted: Wanted, running: readonly RunningService[]): boolean {
  const found = running.find((one) => one.service === wanted.service);
  return found?.revision === wanted.revision && found.ready < wanted.desired;
}

/**
 * What was read back must be there, ready, of the revision that was judged and of its image, in whichever of its digests
 * the engine shows. What only had to complete leaves nothing that runs.
 */
function isRunning(wanted: Wanted, running: readonly RunningService[], { direction }: Judged): boolean {
  const found = running.find((one) => one.service === wanted.service);
  if (wanted.goal === "complete") return true;
  if (wanted.desired === 0) {
    // A service that the release no longer has, or of which none should run.
    if (found === undefined || found.ready === 0) return true;
    // Nothing is expected of what was ill before, but it may have recovered.
    return direction === "back" && found.revision === wanted.revision;
  }
  if (found === undefined || found.revision !== wanted.revision || found.ready < wanted.desired) return false;
  if (wanted.digests.length === 0 || found.digests.length === 0) return true;
  return found.digests.some((digest) => wanted.digests.includes(digest));
}
