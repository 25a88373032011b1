import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import { changeNames } from "../containers/container-changes.ts";
import { resourceName } from "../files/compose-project.ts";
import { serviceAliases } from "../plan/hand-over.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import type { Work } from "./create-containers.ts";
import { countOutbound } from "./open-connections.ts";

/** Events tell of changes; should one be lost, it is looked after so long. */
const LOOK_MS = 2_000;

/**
 * Gives a proven container the names of its service, by leaving and joining networks. One that has them is left alone.
 *
 * Its address changes with that. What it holds open in those networks would hang from then on (a pool of its database: the
 * kernel goes on sending from an address that is gone, for about a quarter of an hour). So a container that has opened
 * connections there is stopped, gets the names, and is started again. Until it listens, clients that ask for the name may
 * find its port closed, as they do at the stop of an old container: both want a proxy that tries a refused connection again.
 */
export async function giveNames(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  const { docker, restarted } = work.state;
  const missing = missingNames(work, one, container);
  // An earlier try of this stage was cut off between the stop and the start.
  const resumed = !isLive(container) && restarted.get(container.id) === Number.POSITIVE_INFINITY;
  if (!resumed && missing.length === 0) return;
  const join = async (): Promise<void> => {
    for (const { network, aliases } of missing) await changeNames(work.state, container, network, aliases, signal);
  };
  // One that does not run holds nothing. Its engine may be ending, and start it again without asking anybody.
  if (!resumed && !isLive(container)) return one.goal === "complete" ? undefined : join();
  if (!resumed && !(await mustRestart(work, one, container, signal))) return join();
  work.state.options.log.info(
    `starting ${container.name} again with its names: it holds connections that its new address would break`,
  );
  restarted.set(container.id, Number.POSITIVE_INFINITY);
  await docker.containers.stop(container.id, {}, { signal, deadlineMs: stopDeadlineMs(container) });
  await join();
  await docker.containers.start(container.id, { signal });
  const { State } = await docker.containers.inspect(container.id, { signal });
  restarted.set(container.id, Date.parse(State.StartedAt));
  await untilReady(work, container, signal);
}

function missingNames(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
): { readonly network: string; readonly aliases: readonly string[] }[] {
  return one.handOver.networks.flatMap((key) => {
    const network = resourceName(work.plan.project, "networks", key);
    const wanted = serviceAliases(work.plan.project, one.name, key);
    const has = container.inspect.NetworkSettings.Networks[network]?.Aliases ?? [];
    return wanted.every((alias) => has.includes(alias)) ? [] : [{ network, aliases: [container.name, ...wanted] }];
  });
}

/** Where it can't be told whether connections are open, those to what the files say it depends on are. */
async function mustRestart(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<boolean> {
  const networks = one.handOver.networks.map((key) => resourceName(work.plan.project, "networks", key));
  const open = await countOutbound(work.state, container, networks, signal);
  return open === undefined ? one.handOver.cuts.length > 0 : open > 0;
}

function stopDeadlineMs(container: ComposeContainer): number {
  return (container.inspect.Config.StopTimeout ?? 10) * 1_000 + 30_000;
}

/** Until it is ready again, or visibly will not be: the judge looks at it next. */
async function untilReady(work: Work, container: ComposeContainer, signal: AbortSignal): Promise<void> {
  const { state, context } = work;
  const { clock } = state.options;
  const deadline = clock.now() + context.policy.startMs;
  while (clock.now() < deadline) {
    const all = await state.watch.read(new Set([container.service]), "judged", signal);
    const now = all.find(({ id }) => id === container.id);
    const health = now?.inspect.State.Health?.Status ?? "none";
    if (now === undefined || !isLive(now) || health !== "starting") return;
    await state.watch.changed(signal, LOOK_MS);
  }
}
