import { mapBounded } from "@belay/core";
import { projectToCreate, type Work } from "./create-containers.ts";
import { pullMissing } from "./pull-missing.ts";

const AT_ONCE = 4;

/** Brings up services beside the release that have no container yet, as a plain `docker compose up -d` would. */
export async function bringUp(work: Work, names: readonly string[], signal: AbortSignal): Promise<void> {
  const { services } = work.plan.project;
  // A service with a build section and no image name has an image of compose's own making, if any.
  const images = new Map(names.map((name) => [services[name]?.image ?? "", services[name]?.platform]));
  images.delete("");
  await mapBounded([...images], AT_ONCE, signal, ([image, platform], both) =>
    pullMissing(work.state, image, both, platform),
  );
  await work.state.cli.up(await projectToCreate(work, []), names, signal);
}
