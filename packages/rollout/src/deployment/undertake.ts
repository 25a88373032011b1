import { type CauseDetail, type Finding, onceAmong, type Plan } from "@belay/core";
import { abortable } from "../abortable.ts";
import { announce, emit } from "../announce.ts";
import { current } from "../ledger/history.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { OLDER_RELEASE } from "../plan/age-finding.ts";
import { driftFinding } from "../plan/drift-finding.ts";
import { idleFindings } from "../plan/idle-findings.ts";
import { isUnchanged } from "../plan/is-unchanged.ts";
import type { Aim, DeploymentResult, RolloutPorts } from "../ports.ts";
import { carryOut } from "../way/carry-out.ts";
import type { Course, WayEnd } from "../way/course.ts";
import { findIll } from "../way-back/find-ill.ts";
import { readBack } from "../way-back/put-back.ts";
import { openLedger, recoverDead, survey } from "../way-back/recover.ts";
import { runDeployment } from "./run-deployment.ts";
import { RunFacts } from "./run-facts.ts";
import { supersede } from "./supersede.ts";

/** The longest wait for another deployment: it may take its deadline, the way back the same again, and a recovery. */
const PATIENCE_DEADLINES = 3;

/**
 * Makes the target run what is aimed at and proves it, or puts back what ran before and proves that. Whatever happens on
 * the target becomes an outcome; only what fails before anything was begun (no engine, a defect) is thrown.
 *
 * @throws BelayError when reading the ledger or planning failed: nothing was touched.
 */
export async function undertake(aim: Aim, ports: RolloutPorts): Promise<DeploymentResult> {
  const facts = new RunFacts(aim, ports);
  const ledger = openLedger(ports);
  let waited = false;
  try {
    for (;;) {
      const turn = await awaitFree(aim, ports, ledger, facts, () => {
        waited = true;
      });
      if (turn.kind === "done") return turn.result;
      const result = await attempt(aim, ports, ledger, facts, turn.highest, waited);
      if (result !== undefined) return result;
    }
  } catch (error) {
    if (facts.leftOpen)
      ports.log.warn("A deployment that changed nothing may stand open in the ledger: the next run closes it.");
    if (ports.signal.aborted && facts.deployment === undefined)
      return facts.result("cancelled", { cause: "cancelled" });
    throw error;
  }
}

type Free =
  | { readonly kind: "free"; readonly highest: number }
  | { readonly kind: "done"; readonly result: DeploymentResult };

async function awaitFree(
  aim: Aim,
  ports: RolloutPorts,
  ledger: Ledger,
  facts: RunFacts,
  onWaited: () => void,
): Promise<Free> {
  const { policy } = aim;
  const patienceMs = PATIENCE_DEADLINES * policy.deadlineMs + ledger.lifeMs;
  for (;;) {
    const onAlive = policy.onLocked === "refuse" ? "return" : "wait";
    const turn = await survey(ledger, ports, onAlive, patienceMs, (open) => {
      onWaited();
      return supersede(aim, ports, ledger, open);
    });
    if (turn.kind === "free") return turn;
    if (turn.kind === "alive") {
      const holder = turn.open[0]?.begin?.holder;
      const detail = holder && `run ${holder.run}, attempt ${holder.attempt} on ${holder.host}`;
      const cause: CauseDetail = detail === undefined ? { cause: "locked" } : { cause: "locked", detail };
      return { kind: "done", result: await facts.result("refused", cause) };
    }
    const recovered = await recoverDead(ledger, turn, ports);
    if (recovered !== undefined) facts.recovered.push(recovered);
    if (recovered?.kind === "superseded")
      return { kind: "done", result: await facts.result("superseded", { cause: "fenced" }) };
  }
}

/** One attempt from the plan on. `undefined` when somebody else began meanwhile: the plan is stale, and all starts again. */
async function attempt(
  aim: Aim,
  ports: RolloutPorts,
  ledger: Ledger,
  facts: RunFacts,
  highest: number,
  waited: boolean,
): Promise<DeploymentResult | undefined> {
  await announce(ports, "plan");
  [facts.plan, facts.before] = await Promise.all([
    abortable(aim.plan(), ports.signal),
    current(ledger.store).then((before) => {
      aim.foresee?.(before);
      return before;
    }),
  ]);
  await announce(ports, "preflight");
  const refusal = await preflight(facts.plan, aim, ports, facts, waited);
  if (refusal !== undefined) return refusal;
  if (isUnchanged(facts.plan)) return confirmAlone(aim, ports, ledger, facts, facts.plan, highest);
  await announce(ports, "snapshot");
  const snapshot = await abortable(ports.target.snapshot(facts.plan), ports.signal);
  const ill = await findIll(aim, ports, { before: facts.before, plan: facts.plan });
  const once = onceAmong(facts.plan.services);
  await announce(ports, "begin");
  ports.signal.throwIfAborted();
  // From here on its begin may stand, also when the answer to it is lost.
  facts.leftOpen = true;
  const tenure = await ledger.claim(
    highest,
    {
      intent: aim.intent,
      release: aim.release,
      policy: aim.policy,
      ...(aim.rollback === undefined ? {} : { rollback: aim.rollback }),
      ...(facts.before === undefined ? {} : { before: facts.before }),
      ...(ill.length === 0 ? {} : { ill }),
      ...(once.length === 0 ? {} : { once }),
    },
    snapshot,
    // A ledger that was lost goes on after the number on the labels of what runs (docs/ledger.md, "Loss").
    facts.plan.labelledDeployment,
  );
  facts.leftOpen = false;
  if (tenure === undefined) return undefined;
  facts.deployment = tenure.deployment;
  emit(ports, { kind: "begun", deployment: tenure.deployment });
  return runDeployment(aim, ports, ledger, facts, { plan: facts.plan, tenure, snapshot });
}

/** A refusal before the first change, if there is a reason. */
async function preflight(
  plan: Plan,
  aim: Aim,
  ports: RolloutPorts,
  facts: RunFacts,
  waited: boolean,
): Promise<DeploymentResult | undefined> {
  const before = facts.before;
  const refusal = findRefusal(plan.findings);
  if (refusal !== undefined) return refuse(aim, ports, facts, refusal, waited);
  noteDrift(plan, facts);
  const found = await aim.check(plan, before);
  facts.addFindings(found);
  const late = findRefusal(found);
  return late && refuse(aim, ports, facts, late, waited);
}

function findRefusal(findings: readonly Finding[]): Finding | undefined {
  return findings.find((finding) => finding.level === "refuse");
}

async function refuse(
  aim: Aim,
  ports: RolloutPorts,
  facts: RunFacts,
  { check, service, message }: Finding,
  waited: boolean,
): Promise<DeploymentResult> {
  facts.running = (await readBack(ports, aim.policy)) ?? [];
  if (check === OLDER_RELEASE) {
    return facts.result(waited ? "superseded" : "refused", { cause: "older_release", detail: message });
  }
  return facts.result("refused", { cause: "preflight", ...(service && { service }), detail: message });
}

/** The ledger's name for what runs is not passed on when something else runs: the way back restores that, nameless. */
function noteDrift(plan: Plan, facts: RunFacts): void {
  const drift = driftFinding(facts.before, plan);
  if (drift === undefined) return;
  facts.addFindings([drift]);
  facts.before = { proven: false };
}

/** A confirmation holds no lock: `undefined` when anybody began after the plan was made, which is stale then. */
async function confirmAlone(
  aim: Aim,
  ports: RolloutPorts,
  ledger: Ledger,
  facts: RunFacts,
  plan: Plan,
  highest: number,
): Promise<DeploymentResult | undefined> {
  if ((await ledger.list()).highest !== highest) return undefined;
  const end = await confirm(aim, ports, facts, plan);
  if (end.kind === "cancelled") return facts.result("cancelled", { cause: "cancelled" });
  const unreachable = end.kind === "timed_out" && end.unreachable;
  if (!unreachable && (await ledger.list()).highest !== highest) return undefined;
  facts.running = (await readBack(ports, aim.policy)) ?? [];
  if (end.kind === "converged") {
    facts.addFindings(idleFindings(plan, facts.running));
    return facts.result("unchanged");
  }
  if (end.kind === "failed") return facts.result("unverified", end.cause);
  const detail = end.waitingFor.join("; ");
  return facts.result("timed_out", { cause: unreachable ? "engine_unreachable" : "timed_out", detail });
}

/** Nothing is to be changed, but it is said only after it was seen to be right. */
async function confirm({ policy, release }: Aim, ports: RolloutPorts, facts: RunFacts, plan: Plan): Promise<WayEnd> {
  await announce(ports, "confirm");
  const beganAt = ports.clock.now();
  const course: Course = {
    ports,
    policy,
    direction: "forward",
    beganAt,
    deadlineAt: beganAt + policy.deadlineMs,
    cancel: ports.signal,
  };
  const context = {
    deployment: facts.before?.deployment ?? plan.labelledDeployment,
    release: release.digest,
    policy,
  };
  const { wanted } = ports.target.execution(plan, context);
  const stages = [{ name: "confirm", act: async () => undefined, expect: "alone", stable: true }] as const;
  return carryOut(course, { wanted, stages });
}
