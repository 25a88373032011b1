import type { CauseDetail, Finding, Plan } from "@belay/core";
import { abortable } from "./abortable.ts";
import { ageFinding } from "./age-finding.ts";
import { announce, emit } from "./announce.ts";
import { carryOut } from "./carry-out.ts";
import type { Course, WayEnd } from "./course.ts";
import { current } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { DeploymentResult, DeployPorts, DeployRequest } from "./ports.ts";
import { readBack } from "./put-back.ts";
import { openLedger, recoverDead, survey } from "./recover.ts";
import { runDeployment } from "./run-deployment.ts";
import { RunFacts } from "./run-facts.ts";
import { driftedServices } from "./same-release.ts";

/** The longest wait for another deployment: it may take its deadline, the way back the same again, and a recovery. */
const PATIENCE_DEADLINES = 3;

/**
 * Makes the target run a release and proves it, or puts back what ran before and proves that. Whatever happens on the
 * target becomes an outcome; only what fails before anything was begun (no engine, a defect) is thrown.
 *
 * @throws BelayError when reading the ledger or planning failed: nothing was touched.
 */
export async function deploy(request: DeployRequest, ports: DeployPorts): Promise<DeploymentResult> {
  const facts = new RunFacts(request, ports);
  const ledger = openLedger(ports);
  let waited = false;
  try {
    for (;;) {
      const turn = await awaitFree(request, ports, ledger, facts, () => {
        waited = true;
      });
      if (turn.kind === "done") return turn.result;
      const result = await attempt(request, ports, ledger, facts, turn.highest, waited);
      if (result !== undefined) return result;
    }
  } catch (error) {
    if (ports.signal.aborted && facts.deployment === undefined)
      return facts.result("cancelled", { cause: "cancelled" });
    throw error;
  }
}

type Free =
  | { readonly kind: "free"; readonly highest: number }
  | { readonly kind: "done"; readonly result: DeploymentResult };

async function awaitFree(
  { policy }: DeployRequest,
  ports: DeployPorts,
  ledger: Ledger,
  facts: RunFacts,
  onWaited: () => void,
): Promise<Free> {
  for (;;) {
    const onAlive = policy.onLocked === "wait" ? "wait" : "return";
    const turn = await survey(ledger, ports, onAlive, PATIENCE_DEADLINES * policy.deadlineMs + ledger.lifeMs, onWaited);
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
  request: DeployRequest,
  ports: DeployPorts,
  ledger: Ledger,
  facts: RunFacts,
  highest: number,
  waited: boolean,
): Promise<DeploymentResult | undefined> {
  const { policy, release } = request;
  await announce(ports, "plan");
  facts.plan = await abortable(ports.target.plan(release, policy), ports.signal);
  facts.before = await current(ports.target.store);
  await announce(ports, "preflight");
  const refusal = await preflight(facts.plan, request, ports, facts, waited);
  if (refusal !== undefined) return refusal;
  if (isUnchanged(facts.plan)) return confirmAlone(request, ports, ledger, facts, facts.plan, highest);
  await announce(ports, "snapshot");
  const snapshot = await abortable(ports.target.snapshot(facts.plan), ports.signal);
  await announce(ports, "begin");
  ports.signal.throwIfAborted();
  const tenure = await ledger.claim(
    highest,
    {
      intent: "deploy",
      release: facts.release,
      policy,
      ...(facts.before === undefined ? {} : { before: facts.before }),
    },
    snapshot,
    // A ledger that was lost goes on after the number on the labels of what runs (docs/ledger.md, "Loss").
    facts.plan.labelledDeployment,
  );
  if (tenure === undefined) return undefined;
  facts.deployment = tenure.deployment;
  emit(ports, { kind: "begun", deployment: tenure.deployment });
  return runDeployment(request, ports, ledger, facts, { plan: facts.plan, tenure, snapshot });
}

/** A refusal before the first change, if there is a reason. */
async function preflight(
  plan: Plan,
  request: DeployRequest,
  ports: DeployPorts,
  facts: RunFacts,
  waited: boolean,
): Promise<DeploymentResult | undefined> {
  const refusal = plan.findings.find((finding) => finding.level === "refuse");
  if (refusal !== undefined) {
    const where = refusal.service === undefined ? {} : { service: refusal.service };
    facts.running = (await readBack(ports, request.policy)) ?? [];
    return facts.result("refused", { cause: "preflight", ...where, detail: refusal.message });
  }
  // What was never proven to run says nothing of what does.
  const running = facts.before?.proven === true ? facts.before.release?.source : undefined;
  noteDrift(plan, facts);
  const age = await ageFinding(running, request.policy, ports.isOlder);
  if (age === undefined) return undefined;
  addFinding(facts, age);
  if (age.level !== "refuse") return undefined;
  facts.running = (await readBack(ports, request.policy)) ?? [];
  const cause: CauseDetail = { cause: "older_release", detail: `commit ${running?.revision.slice(0, 12)} runs` };
  return facts.result(waited ? "superseded" : "refused", cause);
}

/** The ledger's name for what runs is not passed on when something else runs: the way back restores that, nameless. */
function noteDrift(plan: Plan, facts: RunFacts): void {
  const drifted = driftedServices(facts.before, plan);
  if (drifted.length === 0) return;
  const known =
    facts.before?.deployment === undefined ? "the ledger says" : `deployment ${facts.before.deployment} left`;
  addFinding(facts, {
    level: "warn",
    check: "drifted",
    message: `something else runs than ${known}: ${drifted.join(", ")}`,
    remedy: "Somebody changed it by hand. That is what a failure would bring back.",
  });
  facts.before = { proven: false };
}

function addFinding(facts: RunFacts, finding: Finding): void {
  if (facts.plan !== undefined) facts.plan = { ...facts.plan, findings: [...facts.plan.findings, finding] };
}

function isUnchanged(plan: Plan): boolean {
  return plan.services.length > 0 && plan.services.every((service) => service.action === "unchanged");
}

/** A confirmation holds no lock: `undefined` when anybody began after the plan was made, which is stale then. */
async function confirmAlone(
  request: DeployRequest,
  ports: DeployPorts,
  ledger: Ledger,
  facts: RunFacts,
  plan: Plan,
  highest: number,
): Promise<DeploymentResult | undefined> {
  if ((await ledger.list()).highest !== highest) return undefined;
  const end = await confirm(request, ports, facts, plan);
  if (end.kind === "cancelled") return facts.result("cancelled", { cause: "cancelled" });
  const unreachable = end.kind === "timed_out" && end.unreachable;
  if (!unreachable && (await ledger.list()).highest !== highest) return undefined;
  facts.running = (await readBack(ports, request.policy)) ?? [];
  if (end.kind === "converged") return facts.result("unchanged");
  if (end.kind === "failed") return facts.result("unverified", end.cause);
  const detail = end.waitingFor.join("; ");
  return facts.result("timed_out", { cause: unreachable ? "engine_unreachable" : "timed_out", detail });
}

/** Nothing is to be changed, but it is said only after it was seen to be right. */
async function confirm({ policy }: DeployRequest, ports: DeployPorts, facts: RunFacts, plan: Plan): Promise<WayEnd> {
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
    release: facts.release.digest,
    policy,
  };
  const { wanted } = ports.target.execution(plan, context);
  const stages = [{ name: "confirm", act: async () => undefined, expect: "alone", stable: true }] as const;
  return carryOut(course, { wanted, stages });
}
