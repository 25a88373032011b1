import { BelayError, type Finding, isBelayError, messageOf, type Plan } from "@belay/core";
import { announce, emit } from "../announce.ts";
import { allProven, type Chosen, chooseDeployment, listChoices } from "../ledger/choose-deployment.ts";
import { type HistoryEntry, history } from "../ledger/history.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { isUnchanged } from "../plan/is-unchanged.ts";
import type { Aim, DeploymentResult, RollbackPorts, RollbackRequest, RolloutPorts } from "../ports.ts";
import { openLedger } from "../way-back/recover.ts";
import { lostServices } from "../way-back/same-release.ts";
import { undertake } from "./undertake.ts";
import { whyNotAsk } from "./why-not-ask.ts";

/**
 * Goes back to an earlier deployment of the ledger, by the same path as {@link deploy}: the whole specification as it was
 * comes back, is judged, and what ran before the rollback is put back when it is bad. It is a deployment of its own in the
 * ledger. Being older is no reason to refuse it.
 *
 * @throws BelayError INVALID_INPUT when there is no such deployment to go back to, LEDGER_ERROR when its snapshots are lost,
 * and what {@link deploy} throws: nothing was touched.
 */
export async function rollback(request: RollbackRequest, ports: RollbackPorts): Promise<DeploymentResult> {
  const { to, reason, by, ...rest } = request;
  await announce(ports, "choose");
  const chosen = chooseDeployment(to, await wholeHistory(ports));
  emit(ports, { kind: "chosen", ...chosen });
  const told = { ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
  const aim: Aim = {
    ...rest,
    intent: "rollback",
    release: chosen.release,
    rollback: { to: chosen.deployment, ...told },
    plan: () => planRollback(chosen, request, ports),
    check: async (plan) => (isUnchanged(plan) ? [] : ((await ports.objections?.(chosen.release.images)) ?? [])),
    whyNotAsk: (holder) => whyNotAsk({ intent: "rollback", source: chosen.release.source }, holder, undefined),
  };
  return undertake(aim, ports);
}

function wholeHistory(ports: RolloutPorts): Promise<readonly HistoryEntry[]> {
  return history(openLedger(ports).store, Number.POSITIVE_INFINITY);
}

/** What a rollback would change, and what speaks against it. Changes nothing. @throws as {@link rollback} */
export async function planRollback(
  chosen: Chosen,
  { policy }: Pick<RollbackRequest, "policy">,
  ports: RolloutPorts,
): Promise<Plan> {
  await announce(ports, "load snapshot");
  const entries = await wholeHistory(ports);
  const later = entries.filter((one) => one.deployment > chosen.deployment && one.begin?.snapshot !== undefined);
  // What a deployment left is what the next ones found.
  const oldestFirst = later.toReversed();
  const ledger = openLedger(ports);
  const snapshots: Uint8Array[] = [];
  for (const entry of oldestFirst) snapshots.push(await readSnapshot(ledger, chosen, entry, entries));
  const plan = await ports.target.planRestoration(snapshots, policy);
  const found = [...driftedSince(chosen, oldestFirst[0]), ...lostState(chosen, plan)];
  return { ...plan, findings: [...plan.findings, ...found] };
}

async function readSnapshot(
  ledger: Ledger,
  chosen: Chosen,
  { begin, deployment }: HistoryEntry,
  entries: readonly HistoryEntry[],
): Promise<Uint8Array> {
  if (begin === undefined) return new Uint8Array();
  try {
    return await ledger.readSnapshot(begin);
  } catch (error) {
    if (!isBelayError(error, "LEDGER_ERROR")) throw error;
    throw new BelayError("LEDGER_ERROR", {
      doing: `going back to deployment ${chosen.deployment}`,
      got: `what it left is lost: ${messageOf(error)}`,
      next: `${listChoices(allProven(entries).filter((one) => one.deployment >= deployment))} Or deploy its release again.`,
      cause: error,
    });
  }
}

/** Something else ran when the next deployment began. Where it is another image, {@link lostState} refuses it. */
function driftedSince({ deployment }: Chosen, next: HistoryEntry | undefined): Finding[] {
  if (next?.begin === undefined || next.begin.before?.deployment === deployment) return [];
  const message = `something was changed between the end of deployment ${deployment} and the begin of deployment ${next.deployment}: the images are right, the configuration may be another`;
  return [{ level: "warn", check: "drifted", message }];
}

/** Only what was proven is brought back: a snapshot that shows other images was taken of something else. */
function lostState({ deployment, release }: Chosen, plan: Plan): Finding[] {
  const remedy = "Deploy its release again, or go back to another deployment.";
  return lostServices(release, plan).map((service) => {
    const message = `how deployment ${deployment} left it is not known: something else ran when the next one began, or no snapshot has it`;
    return { level: "refuse", check: "state_lost", service, message, remedy };
  });
}
