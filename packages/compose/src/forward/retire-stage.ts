import { mapBounded } from "@belay/core";
import { removeAll, stopAll } from "../containers/container-changes.ts";
import { anonymousVolumes } from "../containers/creation-body.ts";
import { dockerOf, shellWord } from "../evidence/give-advice.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import { madeBefore, readServices, type Work } from "./create-containers.ts";

/** Requests at a time. */
const AT_ONCE = 4;

/** Removes what ran before and has ended: what stays in spite of that serves nobody. Its volumes stay, anonymous ones too; those are named, because nothing else does. */
export async function retire(work: Work, services: readonly PlannedService[], signal: AbortSignal): Promise<void> {
  const { log } = work.state.options;
  work.left.begin();
  const containers = await readServices(work, services, signal);
  const old = services.flatMap((one) => madeBefore(work, one, containers));
  if (old.length === 0) return;
  // With `restart: always` a container comes back with its engine, stopped or not.
  await stopAll(work.state, old, signal);
  log.info(`removing ${old.map(({ name }) => name).join(", ")}`);
  await mapBounded(old, AT_ONCE, signal, (one, both) => {
    const command = [...dockerOf(work.state.options), "rm", "--force", one.name].map(shellWord).join(" ");
    const service = services.find(({ name }) => name === one.service)?.service ?? one.service;
    const thing = { what: `the container ${one.name}`, service, command };
    return work.left.attempt(thing, () => removeAll(work.state, [one], both));
  });
  const kept = old.flatMap(({ name, inspect }) =>
    anonymousVolumes(inspect).map((volume) => ({ from: name, ...volume })),
  );
  for (const volume of kept) log.info(`kept the anonymous volume ${volume.name} (${volume.at} of ${volume.from})`);
}
