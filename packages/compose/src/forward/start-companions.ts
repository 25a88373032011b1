import { bringUp } from "./bring-up.ts";
import type { Work } from "./create-containers.ts";

/**
 * Starts the rest of a project of which nobody has started it yet (its proxy, most likely), as a plain
 * `docker compose up -d` would, now that the release serves: a proxy that finds nobody behind its names may give up.
 * Safe to repeat: existing containers stay as they are.
 */
export async function startCompanions(work: Work, signal: AbortSignal): Promise<void> {
  const { companions } = work.plan;
  if (companions.length === 0) return;
  work.state.options.log.info(`starting ${companions.join(", ")}: nobody has started them yet`);
  await bringUp(work, companions, signal);
}
