import {
  type CauseDetail,
  isBelayError,
  keepsFailed,
  messageOf,
  type Observation,
  type Outcome,
  type Plan,
  type RunningService,
  redactDeep,
  type Wanted,
} from "@belay/core";
import { abortable } from "./abortable.ts";
import { announce, emit } from "./announce.ts";
import { carryOut } from "./carry-out.ts";
import { bound, type Course, type WayEnd } from "./course.ts";
import type { EndDraft, Ledger } from "./ledger.ts";
import type { Aim, DeploymentResult, RolloutPorts } from "./ports.ts";
import { putBack, readBack } from "./put-back.ts";
import type { RunsFacts } from "./records.ts";
import { releaseBefore } from "./recover.ts";
import type { RunFacts } from "./run-facts.ts";
import { restoredRuns } from "./same-release.ts";
import { seenEvidence } from "./seen-evidence.ts";
import { stopCause } from "./stop-cause.ts";
import type { Tenure } from "./tenure.ts";

/** A deployment that has been claimed, with all that is needed to go forward and back. */
export interface Begun {
  readonly plan: Plan;
  readonly tenure: Tenure;
  readonly snapshot: Uint8Array;
}

interface Run extends Begun {
  readonly aim: Aim;
  readonly ports: RolloutPorts;
  readonly ledger: Ledger;
  readonly facts: RunFacts;
}

/**
 * How long the evidence may take to be collected before the way back begins without it, in milliseconds. It stands in the
 * way of those who are served badly meanwhile; over one connection it is a matter of some ten milliseconds.
 */
const DOSSIER_MS = 3_000;

/** From begin to end: forward, or back. Whatever happens becomes an outcome. */
export async function runDeployment(
  aim: Aim,
  ports: RolloutPorts,
  ledger: Ledger,
  facts: RunFacts,
  begun: Begun,
): Promise<DeploymentResult> {
  const run: Run = { ...begun, aim, ports, ledger, facts };
  try {
    return await goForward(run);
  } catch (error) {
    if (isBelayError(error, "FENCED")) return await facts.result("superseded", { cause: "fenced" });
    ports.log.error(`The deployment could not be brought to an end: ${messageOf(error)}`);
    facts.leftOpen = true;
    return await facts.result("unverified", { cause: "internal", detail: messageOf(error) });
  } finally {
    begun.tenure.leave();
  }
}

async function goForward(run: Run): Promise<DeploymentResult> {
  const { ports, tenure, plan } = run;
  const { policy } = run.aim;
  const execution = ports.target.execution(plan, {
    deployment: tenure.deployment,
    release: run.aim.release.digest,
    policy,
  });
  const beganAt = ports.clock.now();
  const course: Course = {
    ports,
    policy,
    tenure,
    direction: "forward",
    beganAt,
    deadlineAt: beganAt + policy.deadlineMs,
    cancel: AbortSignal.any([ports.signal, tenure.stop]),
  };
  const end = await carryOut(course, execution);
  if (end.kind === "converged") return succeed(run, execution.wanted, end.observation);
  const asked = end.kind === "cancelled" ? tenure.stopRequest : undefined;
  run.facts.stopRequest = asked;
  const cause = asked === undefined ? causeOfEnd(end) : stopCause(asked);
  emit(ports, asked === undefined ? { kind: "failed", cause } : { kind: "asked", by: asked });
  if (!end.touched) return endUntouched(run, end, cause);
  if (end.kind === "cancelled" && policy.onCancel === "leave")
    return leaveOpen(run, asked === undefined ? "unverified" : "superseded", cause);
  await collectEvidence(run, execution.wanted, end);
  const keep = keepsFailed(run.plan.services, policy);
  return keep && end.kind !== "cancelled" ? keepFailed(run, cause) : goBack(run, cause);
}

function causeOfEnd(end: Exclude<WayEnd, { kind: "converged" }>): CauseDetail {
  if (end.kind === "failed") return end.cause;
  if (end.kind === "cancelled") return { cause: "cancelled" };
  const detail = end.waitingFor.join("; ");
  return { cause: end.unreachable ? "engine_unreachable" : "timed_out", ...(detail === "" ? {} : { detail }) };
}

/** Fewer instances than were planned are enough where somebody wanted fewer meanwhile: the judge went by that number, too. */
function asJudged(wanted: readonly Wanted[], observation: Observation | undefined): readonly Wanted[] {
  return wanted.map((one) => ({ ...one, desired: Math.min(one.desired, seenOf(one, observation) ?? one.desired) }));
}

function seenOf({ service }: Wanted, observation: Observation | undefined): number | undefined {
  return observation?.services.find(({ name }) => name === service)?.desired;
}

async function succeed(
  run: Run,
  planned: readonly Wanted[],
  observation: Observation | undefined,
): Promise<DeploymentResult> {
  const { facts, tenure } = run;
  const wanted = asJudged(planned, observation);
  const running = await readWhole(run, wanted);
  if (running === undefined) return leaveOpen(run, "unverified", { cause: "engine_unreachable" });
  facts.running = running;
  const strange = wanted.find((one) => !isRunning(one, running));
  if (strange !== undefined) {
    const { service } = strange;
    const cause: CauseDetail = isShort(strange, running)
      ? { cause: "readiness_lost", service, detail: "it was ready, and was not any more when it was read back" }
      : { cause: "drifted", service, detail: "what was read back is not what was deployed" };
    return endWith(run, "unverified", cause, { proven: false });
  }
  const none = planned.find((one) => one.goal === "run" && one.desired > 0 && seenOf(one, observation) === 0);
  if (none !== undefined) {
    const detail = "somebody wants no instance of it now, so nothing has shown that the release is good";
    return endWith(run, "unverified", { cause: "drifted", service: none.service, detail }, { proven: false });
  }
  return endWith(run, "succeeded", undefined, {
    deployment: tenure.deployment,
    release: run.aim.release,
    proven: true,
  });
}

/** How long instances that were lost after they were judged may take to be ready again, in milliseconds. */
const AGAIN_MS = 30_000;
const AGAIN_EVERY_MS = 500;

/**
 * What runs, read after the last change. An engine that was restarted just then brings the release's instances up again: it
 * is waited for that, and for nothing else.
 */
async function readWhole(run: Run, wanted: readonly Wanted[]): Promise<readonly RunningService[] | undefined> {
  const { clock } = run.ports;
  const until = clock.now() + AGAIN_MS;
  for (;;) {
    const running = await readBack(run.ports, run.aim.policy);
    if (running === undefined || run.ports.signal.aborted || clock.now() >= until) return running;
    const strange = wanted.filter((one) => !isRunning(one, running));
    if (strange.length === 0 || !strange.every((one) => isShort(one, running))) return running;
    await clock.sleep(AGAIN_EVERY_MS);
  }
}

/** It is what was deployed, and fewer instances of it are ready than should be. */
function isShort(wanted: Wanted, running: readonly RunningService[]): boolean {
  const found = running.find((one) => one.service === wanted.service);
  return found?.revision === wanted.revision && found.ready < wanted.desired;
}

/**
 * What was read back must be there, ready, of the revision that was judged and of its image, in whichever of its digests
 * the engine shows. What only had to complete leaves nothing that runs.
 */
function isRunning(wanted: Wanted, running: readonly RunningService[]): boolean {
  const found = running.find((one) => one.service === wanted.service);
  if (wanted.goal === "complete") return true;
  // A service that the release no longer has, or of which none should run.
  if (wanted.desired === 0) return found === undefined || found.ready === 0;
  if (found === undefined || found.revision !== wanted.revision || found.ready < wanted.desired) return false;
  if (wanted.digests.length === 0 || found.digests.length === 0) return true;
  return found.digests.some((digest) => wanted.digests.includes(digest));
}

/** Begun, but nothing was changed: what the ledger said of the target before still stands, and is not proven anew. */
async function endUntouched(run: Run, end: WayEnd, cause: CauseDetail): Promise<DeploymentResult> {
  const outcome = end.kind === "timed_out" ? "timed_out" : end.kind !== "cancelled" ? "refused" : cancelledAs(cause);
  run.facts.running = (await readBack(run.ports, run.aim.policy)) ?? [];
  return endWith(run, outcome, cause, undefined);
}

function cancelledAs({ cause }: CauseDetail): "superseded" | "cancelled" {
  return cause === "superseded" ? "superseded" : "cancelled";
}

async function keepFailed(run: Run, cause: CauseDetail): Promise<DeploymentResult> {
  const running = await readBack(run.ports, run.aim.policy);
  if (running === undefined) return leaveOpen(run, "timed_out", { cause: "engine_unreachable" });
  run.facts.running = running;
  const { release } = run.aim;
  return endWith(run, "failed", cause, { deployment: run.tenure.deployment, release, proven: false });
}

async function goBack(run: Run, cause: CauseDetail): Promise<DeploymentResult> {
  const { ports, facts, tenure, snapshot } = run;
  const { policy } = run.aim;
  ports.log.info(`Going back to what ran before deployment ${tenure.deployment}.`);
  const context = { deployment: tenure.deployment, release: releaseBefore(tenure.begin), policy };
  const back = await putBack(ports, policy, tenure, snapshot, context);
  if (back.kind === "lost") return leaveOpen(run, "timed_out", { cause: "engine_unreachable" });
  if (back.kind === "restored") facts.restoreMs = back.ms;
  const running = await readBack(ports, policy);
  if (running === undefined) return leaveOpen(run, "unverified", { cause: "engine_unreachable" });
  facts.running = running;
  if (back.kind === "restored") {
    const outcome = cause.cause === "superseded" ? "superseded" : "rolled_back";
    return endWith(run, outcome, cause, restoredRuns(facts.before, back.wanted, running));
  }
  facts.first = cause;
  return endWith(run, "rollback_failed", back.cause, { proven: false });
}

async function endWith(
  run: Run,
  outcome: Outcome,
  cause: CauseDetail | undefined,
  runs: RunsFacts | undefined,
): Promise<DeploymentResult> {
  const { ports, facts, tenure, ledger } = run;
  await announce(ports, "end");
  const draft: EndDraft = {
    outcome,
    ...(cause === undefined ? {} : { cause }),
    ...(runs === undefined ? {} : { runs }),
    running: facts.running,
  };
  try {
    await tenure.end(draft);
  } catch (error) {
    if (isBelayError(error, "FENCED")) throw error;
    ports.log.error(`The end of deployment ${tenure.deployment} could not be recorded: ${messageOf(error)}`);
    return leaveOpen(run, "unverified", { cause: "engine_unreachable", detail: messageOf(error) });
  }
  await announce(ports, "compact");
  await ledger.compact();
  return facts.result(outcome, cause);
}

/** The next run, the action's own post step or `belay reconcile` puts it right. */
function leaveOpen(run: Run, outcome: Outcome, cause: CauseDetail): Promise<DeploymentResult> {
  run.ports.log.warn(`Deployment ${run.tenure.deployment} stays open in the ledger: the next run goes on with it.`);
  run.facts.leftOpen = true;
  return run.facts.result(outcome, cause);
}

/**
 * Evidence is taken before anything is restored, but never at the price of the way back. What an act that failed has left is
 * looked at first.
 */
async function collectEvidence(run: Run, wanted: readonly Wanted[], end: WayEnd): Promise<void> {
  if (end.kind === "cancelled") return;
  const { ports, facts } = run;
  await announce(ports, "dossier");
  const beganAt = ports.clock.now();
  const { policy } = run.aim;
  const limit = bound({ ports, policy, direction: "forward", beganAt, deadlineAt: beganAt + DOSSIER_MS });
  const { target } = ports;
  let seen = end.observation;
  try {
    seen ??= await abortable(target.observe(wanted, limit.signal), limit.signal);
    const evidence = await abortable(target.dossier(wanted, seen, limit.signal), limit.signal);
    // A target does it before it cuts a text; here it holds whatever a target leaves out.
    facts.evidence = redactDeep(evidence, ports.redactor);
  } catch (error) {
    ports.log.warn(`The evidence could not be collected: ${messageOf(error)}`);
    if (seen !== undefined) facts.evidence = redactDeep(seenEvidence(seen), ports.redactor);
  } finally {
    limit.done();
  }
}
