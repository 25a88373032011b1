import { BelayError, tail } from "@belay/core";
import { isLive, readContainers } from "./compose-container.ts";
import { stopAll } from "./container-changes.ts";
import { madeBefore, madeNow, readServices, type Work } from "./create-containers.ts";
import { giveNames } from "./give-names.ts";
import type { PlannedService } from "./plan-detail.ts";
import { startCompanions } from "./start-companions.ts";

const HOOK_DEADLINE_MS = 60_000;

/** Moves the traffic: names to the new containers one after the other, the proxy told, a pause, old ones stopped. */
export async function shift(work: Work, services: readonly PlannedService[], signal: AbortSignal): Promise<void> {
  const { clock, log } = work.state.options;
  const containers = await readServices(work, services, signal);
  for (const one of services.filter(({ action }) => action === "update")) {
    for (const container of madeNow(work, one, containers)) await giveNames(work, one, container, signal);
  }
  await startCompanions(work, signal);
  await tellProxy(work, signal);
  const old = services.map((one) => madeBefore(work, one, containers).filter(isLive));
  if (old.flat().length === 0) return;
  if (work.context.policy.drainMs > 0) await clock.sleep(work.context.policy.drainMs, signal);
  // What depends on others stops first.
  for (const containersOfOne of old.toReversed()) {
    if (containersOfOne.length === 0) continue;
    log.info(`stopping ${containersOfOne.map(({ name }) => name).join(", ")}`);
    await stopAll(work.state, containersOfOne, signal);
  }
}

/** Runs the user's command in the proxy's containers, so that it asks for the names again (`nginx -s reload`). */
async function tellProxy(work: Work, signal: AbortSignal): Promise<void> {
  const { docker, options } = work.state;
  if (options.shift === undefined) return;
  const { service, command } = options.shift;
  const proxies = await readContainers(docker, options.scope.project, [service], signal);
  const running = proxies.filter((one) => one.inspect.State.Running);
  if (running.length === 0) options.log.warn(`${service} is not running: nobody was told that traffic moves`);
  for (const proxy of running) {
    const bounds = { signal, deadlineMs: HOOK_DEADLINE_MS };
    const { exitCode, output } = await docker.containers.exec(proxy.id, command, {}, bounds);
    if (exitCode === 0) continue;
    const said = options.redactor.redact(tail(output, 5).join("\n"));
    throw new BelayError("ENGINE_ERROR", {
      doing: `telling ${proxy.name} that traffic moves (${command.join(" ")})`,
      got: `it ended with exit code ${exitCode}: ${said}`,
      next: "Try the command with docker exec.",
    });
  }
}
