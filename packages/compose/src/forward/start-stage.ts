import { inService, isBelayError, mapBounded, oneLine } from "@belay/core";
import { EngineError } from "@belay/docker";
import type { ComposeContainer } from "../containers/compose-container.ts";
import { stopAll } from "../containers/container-changes.ts";
import type { PlannedService } from "../plan/plan-detail.ts";
import { copyFiles, createMissing, hideNames, madeBefore, readServices, type Work } from "./create-containers.ts";
import { pullMissing } from "./pull-missing.ts";
import { startDependencies } from "./start-dependencies.ts";

const AT_ONCE = 4;

/**
 * Brings the new containers of one level up. What the engine refuses (an image, a start) is not thrown but left for the
 * judge to see, who decides what it means.
 */
export async function start(
  work: Work,
  level: readonly PlannedService[],
  first: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (first) work.state.clearConditions();
  if (!(await pullImages(work, level, signal))) return;
  if (first) await startDependencies(work, signal);
  const exclusive = level.filter((one) => one.action === "recreate");
  if (exclusive.length > 0) await clearTheWay(work, exclusive, signal);
  const made = await create(work, level, signal);
  const byName = new Map(level.map((one) => [one.name, one]));
  await mapBounded(made, AT_ONCE, signal, async (container, both) => {
    const one = byName.get(container.service);
    if (one !== undefined) await inService(one.service, () => startOne(work, one, container, both));
  });
}

async function create(work: Work, level: readonly PlannedService[], signal: AbortSignal): Promise<ComposeContainer[]> {
  try {
    return await createMissing(work, level, signal);
  } catch (error) {
    if (!isBelayError(error, "PROCESS_FAILED")) throw error;
    const message = oneLine(error.got, 500);
    for (const one of level) work.state.setCondition(one.service, { type: refusalOf(message), message });
    return [];
  }
}

async function startOne(
  work: Work,
  one: PlannedService,
  container: ComposeContainer,
  signal: AbortSignal,
): Promise<void> {
  const { docker, options } = work.state;
  // What an earlier try has started may be crashing, or done: it is the judge's.
  if (container.inspect.State.Status !== "created") return;
  if (one.action === "update") await hideNames(work, one, container, signal);
  await copyFiles(work, one, container, signal);
  try {
    await docker.containers.start(container.id, { signal });
    work.state.noteRunning(one.service, [container]);
    options.log.info(`started ${container.name}`);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    options.log.warn(`${container.name} did not start: ${error.engineMessage}`);
    work.state.watch.failedToStart(container.id);
    const { State } = await docker.containers.inspect(container.id, { signal });
    if (State.Error !== "") return;
    work.state.setCondition(one.service, { type: refusalOf(error.engineMessage), message: error.engineMessage });
  }
}

/** What an engine's refusal to make or start a container means, by its words (moby, `volume/mounts` and `libnetwork`). */
function refusalOf(message: string): "config_missing" | "start_failed" {
  const missing = /bind source path does not exist|network \S+ not found|could not find (?:network|volume)/i;
  return missing.test(message) ? "config_missing" : "start_failed";
}

/** False when an image could not be had. */
async function pullImages(work: Work, level: readonly PlannedService[], signal: AbortSignal): Promise<boolean> {
  const images = [...new Set(level.map((one) => one.image))];
  const got = await mapBounded(images, AT_ONCE, signal, (image, both) => pull(work, level, image, both));
  return got.every(Boolean);
}

async function pull(
  work: Work,
  level: readonly PlannedService[],
  image: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await pullMissing(work.state, image, signal);
    return true;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const message = `${image}: ${error.engineMessage}`;
    for (const one of level.filter((service) => service.image === image)) {
      work.state.setCondition(one.service, { type: "image_unavailable", message });
    }
    return false;
  }
}

/** Stops the old containers of services that can't overlap, and frees their name where it is a fixed one. */
async function clearTheWay(work: Work, services: readonly PlannedService[], signal: AbortSignal): Promise<void> {
  const { docker, options } = work.state;
  const containers = await readServices(work, services, signal);
  for (const one of services) {
    const old = madeBefore(work, one, containers);
    options.log.info(`stopping ${old.map(({ name }) => name).join(", ")}: ${one.service} can't run twice`);
    await stopAll(work.state, old, signal);
    const fixed = work.plan.project.services[one.name]?.container_name;
    const holder = old.find(({ name }) => name === fixed);
    if (holder === undefined) continue;
    await docker.containers.rename(holder.id, setAsideName(holder.name, work.context.deployment), { signal });
  }
}

/** Name of an old container that has to give its own to the new one. */
export function setAsideName(name: string, deployment: number): string {
  return `${name}-belay-${deployment}`;
}
