import type { CauseDetail, Plan } from "@belay/core";
import { abortable } from "./abortable.ts";
import { announce, emit } from "./announce.ts";
import { carryOut } from "./carry-out.ts";
import type { Course } from "./course.ts";
import { current } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { DeploymentResult, DeployPorts, DeployRequest } from "./ports.ts";
import { readBack } from "./put-back.ts";
import { openLedger, recoverDead, survey } from "./recover.ts";
import { runDeployment } from "./run-deployment.ts";
import { RunFacts } from "./run-facts.ts";

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
  if (isUnchanged(facts.plan)) return confirm(request, ports, facts, facts.plan);
  await announce(ports, "snapshot");
  const snapshot = await abortable(ports.target.snapshot(facts.plan), ports.signal);
  await announce(ports, "begin");
  ports.signal.throwIfAborted();
  const tenure = await ledger.claim(
    // A ledger that was lost begins after the number on the labels of what runs (LEDGER.md 6).
    highest === 0 ? facts.plan.labelledDeployment : highest,
    {
      intent: "deploy",
      release: facts.release,
      policy,
      ...(facts.before === undefined ? {} : { before: facts.before }),
    },
    snapshot,
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
    return facts.result("refused", { cause: "preflight", ...where, detail: refusal.message });
  }
  const running = facts.before?.release?.source;
  if (running === undefined || request.policy.allowOlder || ports.isOlder === undefined) return undefined;
  const older = await ports.isOlder(running);
  if (older === true) {
    const cause: CauseDetail = { cause: "older_release", detail: `commit ${running.revision.slice(0, 12)} runs` };
    return facts.result(waited ? "superseded" : "refused", cause);
  }
  if (older === "cannot tell") facts.plan = { ...plan, findings: [...plan.findings, UNKNOWN_AGE] };
  return undefined;
}

const UNKNOWN_AGE = {
  level: "cannot tell",
  check: "older_release",
  message: "whether the release is older than the one that runs could not be found out",
} as const;

function isUnchanged(plan: Plan): boolean {
  return plan.services.length > 0 && plan.services.every((service) => service.action === "unchanged");
}

/** Nothing is to be changed, but it is said only after it was seen to be right. */
async function confirm(
  { policy }: DeployRequest,
  ports: DeployPorts,
  facts: RunFacts,
  plan: Plan,
): Promise<DeploymentResult> {
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
  const end = await carryOut(course, { wanted, stages });
  if (end.kind === "cancelled") return facts.result("cancelled", { cause: "cancelled" });
  facts.running = (await readBack(ports, policy)) ?? [];
  if (end.kind === "converged") return facts.result("unchanged");
  if (end.kind === "failed") return facts.result("failed", end.cause);
  return facts.result("timed_out", { cause: "timed_out", detail: end.waitingFor.join("; ") });
}
