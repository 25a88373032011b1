import { messageOf } from "@belay/core";
import { abortable } from "../abortable.ts";
import { announce, emit } from "../announce.ts";
import type { Ledger, OpenDeployment } from "../ledger/ledger.ts";
import type { Aim, RolloutPorts } from "../ports.ts";

/**
 * Asks a live holder to stop, where policy and order allow it (docs/ledger.md). Whether it does or not, the caller waits for
 * its end. A run that could not begin itself stops nobody.
 */
export async function supersede(
  aim: Aim,
  ports: RolloutPorts,
  ledger: Ledger,
  { deployment, begin }: OpenDeployment,
): Promise<void> {
  if (aim.policy.onLocked !== "supersede") return;
  const why = (await aim.whyNotAsk(begin)) ?? (await refusalOf(aim, ports));
  if (why !== undefined || begin === undefined) {
    ports.log.info(`Deployment ${deployment} is waited for and not asked to stop: ${why}.`);
    return;
  }
  const { intent, release, rollback } = aim;
  await announce(ports, "supersede");
  await ledger.askToStop(begin, { intent, release, ...(rollback === undefined ? {} : { rollback }) });
  emit(ports, { kind: "asking", deployment, holder: begin.holder });
}

/**
 * What would refuse this run when its turn came. Only that is taken from this plan: it is of a target in the middle of the
 * holder's change, and the one that is carried out, with its way back, must begin from what the holder leaves.
 */
async function refusalOf(aim: Aim, ports: RolloutPorts): Promise<string | undefined> {
  await announce(ports, "plan");
  try {
    const { findings } = await abortable(aim.plan(), ports.signal);
    const refusal = findings.find((finding) => finding.level === "refuse");
    return refusal && `this run would be refused, ${refusal.message}`;
  } catch (error) {
    ports.signal.throwIfAborted();
    return `this run could not be planned, ${messageOf(error)}`;
  }
}
