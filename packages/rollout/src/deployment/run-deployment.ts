import {
  type CauseDetail,
  type Finding,
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
import { abortable } from "../abortable.ts";
import { announce, emit } from "../announce.ts";
import { holdFailed } from "../evidence/hold-failed.ts";
import { seenEvidence } from "../evidence/seen-evidence.ts";
import type { EndDraft, Ledger } from "../ledger/ledger.ts";
import type { RunsFacts } from "../ledger/records.ts";
import { stopCause } from "../ledger/stop-cause.ts";
import type { Tenure } from "../ledger/tenure.ts";
import { idleFindings } from "../plan/idle-findings.ts";
import type { Aim, DeploymentResult, RolloutPorts } from "../ports.ts";
import { carryOut } from "../way/carry-out.ts";
import { bound, type Course, type WayEnd } from "../way/course.ts";
import { observeTarget } from "../way/observe-target.ts";
import { type NothingProven, nothingToGoBackTo } from "../way-back/nothing-to-go-back-to.ts";
import { proveRunning, seenDesired } from "../way-back/prove-running.ts";
import { putBack, type Restored, readBack } from "../way-back/put-back.ts";
import { releaseBefore } from "../way-back/recover.ts";
import { endedBack, endedIll, type WayBackEnd } from "../way-back/way-back-end.ts";
import type { RunFacts } from "./run-facts.ts";

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
  /** Where nothing has ever been proven, and something is not right before the change. */
  readonly nothingProven: NothingProven | undefined;
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
  const { ill = [], before } = begun.tenure.begin;
  const touched = begun.plan.services.filter(({ action }) => action !== "unchanged").map(({ service }) => service);
  const nothingProven = nothingToGoBackTo({ ill, touched, before });
  const run: Run = { ...begun, aim, ports, ledger, facts, nothingProven };
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
  if (end.kind === "converged") {
    run.facts.leftBehind = execution.leftBehind?.() ?? [];
    return succeed(run, execution.wanted, end.observation);
  }
  const asked = end.kind === "cancelled" ? tenure.stopRequest : undefined;
  run.facts.stopRequest = asked;
  const cause = asked === undefined ? causeOfEnd(end) : stopCause(asked);
  emit(ports, asked === undefined ? { kind: "failed", cause } : { kind: "asked", by: asked });
  if (!end.touched) return endUntouched(run, end, cause);
  if (end.kind === "cancelled" && policy.onCancel === "leave")
    return leaveOpen(run, asked === undefined ? "unverified" : "superseded", cause);
  if (end.kind !== "cancelled") await announce(ports, "dossier");
  const evidence = collectEvidence(run, execution.wanted, end);
  // What an act that failed has left is looked at as the way forward sees it.
  if (end.observation === undefined) await evidence;
  const kept = whyKept(run, cause, end);
  if (kept === undefined) {
    if (end.kind !== "cancelled" && end.observation !== undefined)
      void holdFailed(ports, tenure, end.observation, evidence);
    return goBack(run, cause, execution.wanted, evidence);
  }
  await evidence;
  return keepFailed(run, cause, kept);
}

/** What there is to say of a release that is kept although it failed, if it is. */
function whyKept({ plan, aim, nothingProven }: Run, cause: CauseDetail, end: WayEnd): readonly Finding[] | undefined {
  // A run that was cancelled has not shown that its release is bad: nobody needs it for a look.
  if (end.kind === "cancelled") return undefined;
  if (keepsFailed(plan.services, aim.policy)) return [];
  // Where going back would lead to nothing better, it is treated like a first one.
  if (aim.policy.onFirstFailure !== "keep") return undefined;
  return nothingProven?.(cause, end.observation, "forward");
}

function causeOfEnd(end: Exclude<WayEnd, { kind: "converged" }>): CauseDetail {
  if (end.kind === "failed") return end.cause;
  if (end.kind === "cancelled") return { cause: "cancelled" };
  const detail = end.waitingFor.join("; ");
  return { cause: end.unreachable ? "engine_unreachable" : "timed_out", ...(detail === "" ? {} : { detail }) };
}

async function succeed(
  run: Run,
  wanted: readonly Wanted[],
  observation: Observation | undefined,
): Promise<DeploymentResult> {
  const { facts, tenure, ports } = run;
  const proof = await proveRunning(ports, run.aim.policy, { direction: "forward", wanted, observation, tenure });
  if (proof === undefined) return leaveOpen(run, "unverified", { cause: "engine_unreachable" });
  facts.running = proof.running;
  if (proof.cause !== undefined) return endWith(run, "unverified", proof.cause, { proven: false });
  const none = wanted.find((one) => one.goal === "run" && one.desired > 0 && seenDesired(one, observation) === 0);
  if (none !== undefined) {
    const detail = "somebody wants no instance of it now, so nothing has shown that the release is good";
    return endWith(run, "unverified", { cause: "drifted", service: none.service, detail }, { proven: false });
  }
  const idle = idleFindings(run.plan, proof.running);
  facts.addFindings(idle);
  const runs = { deployment: tenure.deployment, release: run.aim.release, proven: true };
  return endWith(run, "succeeded", undefined, runs, idle);
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

async function keepFailed(run: Run, cause: CauseDetail, findings: readonly Finding[]): Promise<DeploymentResult> {
  run.facts.addFindings(findings);
  const running = await readBack(run.ports, run.aim.policy);
  if (running === undefined) return leaveOpen(run, "timed_out", { cause: "engine_unreachable" });
  run.facts.running = running;
  const { release } = run.aim;
  return endWith(run, "failed", cause, { deployment: run.tenure.deployment, release, proven: false }, findings);
}

/** The way back is prepared while the evidence is taken, which is complete before anything is restored. */
async function goBack(
  run: Run,
  cause: CauseDetail,
  planned: readonly Wanted[],
  evidence: Promise<void>,
): Promise<DeploymentResult> {
  const { ports, facts, tenure, snapshot } = run;
  const { policy } = run.aim;
  ports.log.info(`Going back to what ran before deployment ${tenure.deployment}.`);
  const context = { deployment: tenure.deployment, release: releaseBefore(tenure.begin), policy };
  const { ill = [] } = tenure.begin;
  const back = await putBack(ports, policy, tenure, snapshot, context, { ill, after: evidence });
  await evidence;
  if (back.kind === "lost") return leaveOpen(run, "timed_out", { cause: "engine_unreachable" });
  if (back.kind === "restored") return proveBack(run, cause, planned, back);
  const running = await readBack(ports, policy);
  if (running === undefined) return leaveOpen(run, "unverified", { cause: "engine_unreachable" });
  facts.running = running;
  return endBack(run, cause, endedIll(back.cause, back.observation, run.nothingProven));
}

/** The run's own cause stays where the way back is no worse than what was; else the report tells both. */
function endBack(run: Run, cause: CauseDetail, end: WayBackEnd): Promise<DeploymentResult> {
  const { outcome, runs } = end;
  if (outcome === "rollback_failed") {
    run.facts.first = cause;
    return endWith(run, outcome, end.cause, runs);
  }
  const findings = outcome === "unverified" ? end.nothing : [];
  run.facts.addFindings(findings);
  return endWith(run, cause.cause === "superseded" ? "superseded" : outcome, cause, runs, findings);
}

/** The judge has found the old release right: that it is what runs is read, like a release that was deployed. */
async function proveBack(
  run: Run,
  cause: CauseDetail,
  planned: readonly Wanted[],
  back: Restored,
): Promise<DeploymentResult> {
  const { ports, facts, tenure } = run;
  const proof = await proveRunning(ports, run.aim.policy, { direction: "back", ...back, tenure });
  if (proof === undefined) return leaveOpen(run, "unverified", { cause: "engine_unreachable" });
  facts.running = proof.running;
  const strange = planned.find(
    (one) => isLeftAlone(one, run.plan) && (isChanging(one, cause) || !isStill(one, proof.running)),
  );
  if (strange !== undefined) return endDrifted(run, cause, strange);
  if (proof.cause !== undefined) return endBack(run, cause, endedIll(proof.cause, back.observation, run.nothingProven));
  facts.restoreMs = back.ms;
  return endBack(run, cause, endedBack(facts.before, back, proof.running, run.nothingProven));
}

/** The way back has nothing of it to put back: it must be as it was found. */
function isLeftAlone({ service }: { readonly service: string }, { services }: Plan): boolean {
  return services.some((one) => one.service === service && one.action === "unchanged");
}

/** Somebody's change was seen, and what served before it may still do so. */
function isChanging({ service }: Wanted, cause: CauseDetail): boolean {
  return cause.cause === "drifted" && cause.service === service;
}

function isStill({ service, revision, goal, desired }: Wanted, running: readonly RunningService[]): boolean {
  if (goal === "complete" || desired === 0) return true;
  // One whose rollout did not get on before serves with what it had before that, then as now.
  return running.some((one) => one.service === service && [one.revision, one.wantedRevision].includes(revision));
}

/** What this deployment changed is as it was, and what somebody else has done with the rest meanwhile is left to people. */
function endDrifted(run: Run, cause: CauseDetail, strange: Wanted): Promise<DeploymentResult> {
  const { service } = strange;
  const isTold = isChanging(strange, cause);
  if (!isTold) run.facts.first = cause;
  const detail = "somebody else changed or removed it in between, and this deployment has not touched it";
  return endWith(run, "rollback_failed", isTold ? cause : { cause: "drifted", service, detail }, { proven: false });
}

async function endWith(
  run: Run,
  outcome: Outcome,
  cause: CauseDetail | undefined,
  runs: RunsFacts | undefined,
  findings: readonly Finding[] = [],
): Promise<DeploymentResult> {
  const { ports, facts, tenure, ledger } = run;
  await announce(ports, "end");
  const draft: EndDraft = {
    outcome,
    ...(cause === undefined ? {} : { cause }),
    ...(runs === undefined ? {} : { runs }),
    ...(findings.length === 0 ? {} : { findings }),
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
  // Housekeeping: what is told of this deployment does not depend on it.
  const [result] = await Promise.all([facts.result(outcome, cause), ledger.compact()]);
  return result;
}

/** The next run, the action's own post step or `belay reconcile` puts it right. */
function leaveOpen(run: Run, outcome: Outcome, cause: CauseDetail): Promise<DeploymentResult> {
  run.ports.log.warn(`Deployment ${run.tenure.deployment} stays open in the ledger: the next run goes on with it.`);
  run.facts.leftOpen = true;
  return run.facts.result(outcome, cause);
}

/**
 * Evidence is taken before anything is restored, but never at the price of the way back: it does not fail. What an act that
 * failed has left is looked at first.
 */
async function collectEvidence(run: Run, wanted: readonly Wanted[], end: WayEnd): Promise<void> {
  if (end.kind === "cancelled") return;
  const { ports, facts } = run;
  const beganAt = ports.clock.now();
  const { policy } = run.aim;
  const limit = bound({ ports, policy, direction: "forward", beganAt, deadlineAt: beganAt + DOSSIER_MS });
  const { target } = ports;
  let seen = end.observation;
  try {
    seen ??= await abortable(observeTarget(target, wanted, { tenure: run.tenure, signal: limit.signal }), limit.signal);
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
