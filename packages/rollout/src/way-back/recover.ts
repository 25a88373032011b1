import {
  BelayError,
  DEFAULT_ROLLOUT,
  type Digest,
  isBelayError,
  messageOf,
  type RolloutPolicy,
  sha256,
} from "@belay/core";
import { announce, emit } from "../announce.ts";
import { Ledger, type OpenDeployment } from "../ledger/ledger.ts";
import type { BeginRecord } from "../ledger/records.ts";
import { type PutRight, type TakenOver, takeOver } from "../ledger/take-over.ts";
import type { Tenure } from "../ledger/tenure.ts";
import { awaitTurn, type DeadTurn, type Turn } from "../ledger/turn.ts";
import type { RecoveryResult, RolloutPorts } from "../ports.ts";
import { nothingToGoBackTo } from "./nothing-to-go-back-to.ts";
import { proveRunning } from "./prove-running.ts";
import { putBack, readBack } from "./put-back.ts";
import { endedBack, endedIll, type WayBackEnd } from "./way-back-end.ts";

/** The longest that {@link recover} waits for a holder to end or die, in lives. */
const PATIENCE_LIVES = 60;

/**
 * The least time that the way back of a recovery has, in milliseconds, however short the dead deployment's own deadline was: an
 * engine that has just come back may have to start all that runs.
 */
const RECOVERY_MS = 120_000;

/**
 * Puts a dead deployment right (docs/ledger.md): takes it over, restores its snapshot, proves that, ends it and itself.
 * `onAlive: "wait"` waits until its holder is dead or done; `"return"` says `alive` at the first sign of life.
 *
 * @throws BelayError when the store or the engine stays away: the deployment then stays open for the next one.
 */
export async function recover(
  request: { readonly onAlive: "wait" | "return" },
  ports: RolloutPorts,
): Promise<RecoveryResult> {
  const ledger = openLedger(ports);
  const patienceMs = ledger.lifeMs * (request.onAlive === "wait" ? PATIENCE_LIVES : 2);
  for (;;) {
    const turn = await survey(ledger, ports, request.onAlive, patienceMs);
    if (turn.kind === "free") return { kind: "nothing", deployments: [] };
    if (turn.kind === "alive") return aliveResult(turn);
    const result = await recoverDead(ledger, turn, ports);
    if (result !== undefined) return result;
  }
}

export function openLedger(ports: RolloutPorts): Ledger {
  const { clock, log, redactor, holder, random, lifeMs } = ports;
  const options = { store: ports.target.store, clock, log, redactor, holder, random };
  return new Ledger(lifeMs === undefined ? options : { ...options, lifeMs });
}

export async function survey(
  ledger: Ledger,
  ports: RolloutPorts,
  onAlive: "wait" | "return",
  patienceMs: number,
  onWaiting: (open: OpenDeployment) => Promise<void> = async () => undefined,
): Promise<Turn> {
  await announce(ports, "survey");
  const { signal, random, isOver, isGone } = ports;
  return awaitTurn(ledger, {
    onAlive,
    patienceMs,
    signal,
    random,
    ...(isOver === undefined ? {} : { isOver }),
    ...(isGone === undefined ? {} : { isGone }),
    onWaiting: (open) => {
      emit(ports, { kind: "waiting", deployment: open.deployment, holder: open.begin?.holder });
      return onWaiting(open);
    },
  });
}

export function aliveResult(turn: Extract<Turn, { kind: "alive" }>): RecoveryResult {
  const holder = turn.open[0]?.begin?.holder;
  const deployments = turn.open.map((one) => one.deployment);
  return holder === undefined ? { kind: "alive", deployments } : { kind: "alive", deployments, holder };
}

/** `undefined` when there was nothing to recover after all: survey again. */
export async function recoverDead(
  ledger: Ledger,
  turn: DeadTurn,
  ports: RolloutPorts,
): Promise<RecoveryResult | undefined> {
  await announce(ports, "takeover");
  const newest = turn.open[0]?.deployment;
  ports.log.warn(`Deployment ${newest} was left unfinished by a run that died: it is put right first.`);
  try {
    const taken = await takeOver(ledger, turn, {
      refusesStale: ports.target.refusesStale,
      putRight: (dead, tenure) => putRight(ledger, dead, tenure, ports),
      beforeEnd: (step) => announce(ports, step),
    });
    return taken && resultOf(taken, turn);
  } catch (error) {
    if (!isBelayError(error, "FENCED")) throw error;
    return { kind: "superseded", deployments: turn.open.map((one) => one.deployment), cause: { cause: "fenced" } };
  }
}

function resultOf(taken: TakenOver, turn: DeadTurn): RecoveryResult {
  const holder = turn.open.find(({ begin }) => begin !== undefined && begin.intent !== "recover")?.begin?.holder;
  const { outcome, cause, findings, running } = taken.result ?? {};
  return {
    kind: "recovered",
    deployments: taken.deployments,
    by: taken.by,
    ...(holder === undefined ? {} : { holder }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(cause === undefined ? {} : { cause }),
    ...(findings === undefined ? {} : { findings }),
    ...(running === undefined ? {} : { running }),
  };
}

async function putRight(ledger: Ledger, dead: BeginRecord, tenure: Tenure, ports: RolloutPorts): Promise<PutRight> {
  await announce(ports, "load snapshot");
  const snapshot = await readSnapshot(ledger, dead);
  const policy = recoveryPolicy(dead);
  if (!(snapshot instanceof Uint8Array)) {
    ports.log.error(snapshot.message);
    return withRunning(ports, dead, { outcome: "unverified", cause: { cause: "internal", detail: snapshot.message } });
  }
  const context = { deployment: tenure.deployment, release: releaseBefore(dead), policy };
  const back = await putBack(ports, policy, tenure, snapshot, context, { ill: dead.ill ?? [] });
  if (back.kind === "lost") {
    // It had a whole deadline. When the engine answers now, this must not keep the environment closed for ever.
    const detail = "the engine did not answer long enough to prove the way back";
    return withRunning(ports, dead, { outcome: "rollback_failed", cause: { cause: "engine_unreachable", detail } });
  }
  const nothingProven = nothingToGoBackTo({ ill: dead.ill ?? [], before: dead.before });
  if (back.kind === "failed")
    return withRunning(ports, dead, asPutRight(ports, endedIll(back.cause, back.observation, nothingProven)));
  const proof = await proveRunning(ports, policy, { direction: "back", ...back, tenure });
  if (proof === undefined) throw engineLost(dead.deployment);
  const { running, cause } = proof;
  const end =
    cause === undefined
      ? endedBack(dead.before, back, running, nothingProven)
      : endedIll(cause, back.observation, nothingProven);
  return { ...asPutRight(ports, end), running };
}

/** A dead run says no cause of its own. */
function asPutRight({ log }: Pick<RolloutPorts, "log">, end: WayBackEnd): PutRight {
  const { outcome, runs } = end;
  if (outcome === "rollback_failed") return { outcome, cause: end.cause, runs };
  const back = { outcome, cause: { cause: "recovered" }, runs } as const;
  if (outcome === "rolled_back") return back;
  for (const { message } of end.nothing) log.warn(`${message}.`);
  return { ...back, findings: end.nothing };
}

function recoveryPolicy({ policy = DEFAULT_ROLLOUT }: BeginRecord): RolloutPolicy {
  return { ...policy, deadlineMs: Math.max(policy.deadlineMs, RECOVERY_MS) };
}

/** A snapshot that is lost must not keep the environment closed for ever: what runs is then unverified. */
async function readSnapshot(ledger: Ledger, dead: BeginRecord): Promise<Uint8Array | { readonly message: string }> {
  try {
    return await ledger.readSnapshot(dead);
  } catch (error) {
    if (!isBelayError(error, "LEDGER_ERROR")) throw error;
    return { message: messageOf(error) };
  }
}

async function withRunning(ports: RolloutPorts, dead: BeginRecord, put: PutRight): Promise<PutRight> {
  const running = await readBack(ports, dead.policy ?? DEFAULT_ROLLOUT);
  if (running === undefined) throw engineLost(dead.deployment);
  return { runs: { proven: false }, ...put, running };
}

/** What the restored instances are labelled with: the release that they belong to, as far as it is known. */
export function releaseBefore(begin: BeginRecord): Digest {
  if (begin.before !== undefined) return begin.before.release?.digest ?? sha256("");
  return begin.release?.digest ?? sha256("");
}

function engineLost(deployment: number): BelayError {
  return new BelayError("ENGINE_UNREACHABLE", {
    doing: `putting deployment ${deployment} right`,
    got: "the engine did not answer to the end",
    next: "Run `belay reconcile` or the next deployment when it is back: they go on with it.",
  });
}
