import { projectToCreate, type Work } from "./create-containers.ts";

/**
 * Starts the rest of a project of which nobody has started it yet (its proxy, most likely), as a plain
 * `docker compose up -d` would, now that the release serves: a proxy that finds nobody behind its names may give up.
 * Safe to repeat: existing containers stay as they are.
 */
export async function startCompanions(work: Work, signal: AbortSignal): Promise<void> {
  const { state, plan } = work;
  if (plan.companions.length === 0) return;
  state.options.log.info(`starting ${plan.companions.join(", ")}: nobody has started them yet`);
  await state.cli.up(await projectToCreate(work, []), plan.companions, signal);
}
