import { isLive } from "../containers/compose-container.ts";
import { stopAll } from "../containers/container-changes.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import { madeBefore, madeNow, readServices, type Work } from "./create-containers.ts";
import { giveNames } from "./give-names.ts";
import { startCompanions } from "./start-companions.ts";
import { tellProxy } from "./tell-proxy.ts";

/** Moves the traffic: names to the new containers one after the other, the proxy told, a pause, old ones stopped. */
export async function shift(work: Work, services: readonly PlannedService[], signal: AbortSignal): Promise<void> {
  const { clock, log } = work.state.options;
  const containers = await readServices(work, services, signal);
  for (const one of services.filter(({ action }) => action === "update")) {
    for (const container of madeNow(work, one, containers)) await giveNames(work, one, container, signal);
  }
  await startCompanions(work, signal);
  await tellProxy(work.state, signal);
  const before = services.map((one) => madeBefore(work, one, containers));
  // One that ended with its engine may come back with it: it is on its way out all the same.
  for (const { id } of before.flat()) work.state.stopping.add(id);
  const old = before.map((all) => all.filter(isLive));
  if (before.flat().length === 0) return;
  if (work.context.policy.drainMs > 0) await clock.sleep(work.context.policy.drainMs, signal);
  // What depends on others stops first.
  for (const containersOfOne of old.toReversed()) {
    if (containersOfOne.length === 0) continue;
    log.info(`stopping ${containersOfOne.map(({ name }) => name).join(", ")}`);
    await stopAll(work.state, containersOfOne, signal);
  }
  // Again: a proxy that keeps the addresses it once looked up would go on to send to those of the old containers, and the
  // engine gives them to the next ones, which may be bad (seen with nginx).
  await tellProxy(work.state, signal);
}
