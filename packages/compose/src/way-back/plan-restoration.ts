import {
  type DeploymentContext,
  type Execution,
  type ExecutionStage,
  LABELS,
  messageOf,
  scopeHash,
  type Wanted,
} from "@belay/core";
import type { ContainerInspect, EndpointSettings } from "@belay/docker";
import { type ComposeContainer, containerOf, isLive } from "../containers/compose-container.ts";
import { changeNames, endAll, removeAll, stopAll } from "../containers/container-changes.ts";
import { endpointOf, recreationOf } from "../containers/creation-body.ts";
import { filesToCopy, packFiles } from "../files/injected-files.ts";
import { textsOf } from "../files/kept-files.ts";
import { COMPOSE_LABELS } from "../files/revision.ts";
import { modelProject } from "../forward/create-under-name.ts";
import { tryToTellProxy } from "../forward/tell-proxy.ts";
import { hasImage } from "../plan/preflight.ts";
import type { TargetState } from "../target-state.ts";
import { type Ending, findEnding, longestGraceMs } from "./find-ending.ts";
import type { ServiceSnapshot, Snapshot } from "./snapshot.ts";
import { counterpart, soundOnes, worthRestoring } from "./snapshot-members.ts";

/**
 * The way back. Where the old containers still serve, there is only one stage: the new ones go. Otherwise the old ones
 * first get back what they lost (their existence, name, place in the networks, process). Each step looks at what is there,
 * so it does not matter where a deployment or an earlier restoration died.
 */
export async function planRestoration(
  state: TargetState,
  snapshot: Snapshot,
  context: DeploymentContext,
): Promise<Execution> {
  state.clearConditions();
  state.restoring = snapshot;
  state.beginWay(snapshot.services.flatMap((one) => one.containers.map(({ Id }) => Id)));
  await state.watch.open();
  const containers = await readAll(state, snapshot);
  for (const one of snapshot.services.flatMap((service) => newOnes(state, snapshot, service, containers)))
    state.leaving.add(one.id);
  const ending = await findEnding(state, containers);
  const whole = snapshot.services.every(
    (service) => damageOf(service, snapshot.at, containers, ending.ids).length === 0,
  );
  const doubt = state.carriedOut !== context.deployment && isInDoubt(state, snapshot, containers, ending);
  const restore: ExecutionStage = {
    name: "restore",
    act: (signal) => restoreOld(state, snapshot, context, doubt, signal),
    expect: "ready",
    stable: false,
  };
  const remove: ExecutionStage = {
    name: "remove",
    act: async (signal) => {
      // Old containers that came back may have other addresses than the proxy knows; they are ready by now.
      if (!whole) await tryToTellProxy(state, signal);
      if (await removeNew(state, snapshot, signal)) await tryToTellProxy(state, signal);
    },
    expect: "alone",
    stable: true,
  };
  return { wanted: await wantedOf(state, snapshot), stages: whole && !doubt ? [remove] : [restore, remove] };
}

async function wantedOf(state: TargetState, snapshot: Snapshot): Promise<Wanted[]> {
  return Promise.all(
    snapshot.services.map(async (one): Promise<Wanted> => {
      const { service, goal, containers } = one;
      const right = soundOnes(one, snapshot.at);
      const sample = right.at(-1) ?? containers.at(-1);
      if (sample === undefined) return { service, goal, desired: 0, revision: "none", digests: [] };
      const images = new Set([...right, sample].map(({ Image }) => Image));
      const digests = await Promise.all([...images].map((image) => state.images.digests(image)));
      const { revision } = containerOf(sample);
      return { service, goal, desired: right.length, revision, digests: [...new Set(digests.flat())] };
    }),
  );
}

function readAll(state: TargetState, snapshot: Snapshot, signal?: AbortSignal): Promise<ComposeContainer[]> {
  return state.watch.read(new Set(snapshot.services.map((one) => one.name)), "listed", signal);
}

/** Old containers that are not as they were, or will not be for long. */
function damageOf(
  service: ServiceSnapshot,
  at: Snapshot["at"],
  containers: readonly ComposeContainer[],
  ending: ReadonlySet<string>,
): ContainerInspect[] {
  const worth = worthRestoring(service, at);
  return service.containers.filter((was) => {
    const now = counterpart(was, containers);
    if (now === undefined) return worth.has(was.Id);
    if (now.name !== containerOf(was).name) return true;
    if (service.goal === "complete" || !worth.has(was.Id)) return false;
    return !isLive(now) || ending.has(now.id) || lostPlaces(was, now).length > 0;
  });
}

/** Networks of the old container that it is not in any more, or without one of its names. */
function lostPlaces(was: ContainerInspect, now: ComposeContainer): string[] {
  return Object.entries(was.NetworkSettings.Networks).flatMap(([network, endpoint]) => {
    const { Aliases: wanted } = endpointOf(endpoint, was.Id);
    const place: EndpointSettings | undefined = now.inspect.NetworkSettings.Networks[network];
    const has = place?.Aliases ?? [];
    return place !== undefined && (wanted ?? []).every((alias) => has.includes(alias)) ? [] : [network];
  });
}

/** What this deployment or a later one made, recognised by the labels. Others' containers are never touched. */
function newOnes(
  state: TargetState,
  snapshot: Snapshot,
  service: ServiceSnapshot,
  containers: readonly ComposeContainer[],
): ComposeContainer[] {
  const scope = scopeHash(state.options.scope);
  const old = new Set(service.containers.map((was) => counterpart(was, containers)?.id));
  return containers.filter(
    (one) =>
      one.service === service.name &&
      one.scope === scope &&
      (one.deployment ?? 0) > snapshot.labelledDeployment &&
      !old.has(one.id),
  );
}

const POLL_MS = 500;
/** For the engine's own delay between a grace period's end and the container's. */
const MARGIN_MS = 2_000;

function oldOnes(snapshot: Snapshot, containers: readonly ComposeContainer[]): ComposeContainer[] {
  return snapshot.services.flatMap((service) =>
    service.containers.flatMap((was) => counterpart(was, containers) ?? []),
  );
}

/**
 * Whether an old container may have been told to end without Belay knowing: the dead deployment could do so since it made
 * its newest container, and the engine's memory does not reach back so far and a grace period more.
 */
function isInDoubt(
  state: TargetState,
  snapshot: Snapshot,
  containers: readonly ComposeContainer[],
  { knownSince }: Ending,
): boolean {
  const made = snapshot.services.flatMap((service) => newOnes(state, snapshot, service, containers));
  if (made.length === 0) return false;
  const newest = Math.max(...made.map(({ createdAt }) => createdAt));
  return knownSince > newest - longestGraceMs(oldOnes(snapshot, containers));
}

/**
 * Waits until every old container that was told to end before the engine's memory begins has had time to: the new ones may
 * be all that serves then. Those told later are known, and waited for by stopping them.
 */
async function awaitEnds(state: TargetState, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { clock, log } = state.options;
  const containers = await readAll(state, snapshot, signal);
  const { knownSince } = await findEnding(state, containers);
  const until = knownSince + longestGraceMs(oldOnes(snapshot, containers)) + MARGIN_MS;
  if (state.engineNow() < until) log.info("waiting whether old containers end: the engine forgot what it was told");
  while (state.engineNow() < until) {
    if (!oldOnes(snapshot, await readAll(state, snapshot, signal)).some(isLive)) return;
    await clock.sleep(POLL_MS, signal);
  }
}

async function restoreOld(
  state: TargetState,
  snapshot: Snapshot,
  context: DeploymentContext,
  doubt: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (doubt) await awaitEnds(state, snapshot, signal);
  const { ids: ending } = await findEnding(state, await readAll(state, snapshot, signal));
  // What depends on others goes back first: it is off while what it needs still is what it was made for.
  for (const service of snapshot.services.toReversed()) {
    const containers = await readAll(state, snapshot, signal);
    const damaged = damageOf(service, snapshot.at, containers, ending);
    if (damaged.length === 0) continue;
    if (service.exclusive) {
      const blocking = newOnes(state, snapshot, service, containers);
      await endAll(state, blocking, signal);
      // A model that a dead run left has the very name that the old one is to get back.
      await removeModels(state, signal);
    }
    const now = damaged.map((was) => counterpart(was, containers));
    // Whoever was told to end ends first: starting it before that would do nothing.
    const endingNow = now.flatMap((one) => (one !== undefined && ending.has(one.id) ? [one] : []));
    await stopAll(state, endingNow, signal);
    const worth = worthRestoring(service, snapshot.at);
    for (const [index, was] of damaged.entries()) {
      const runs = service.goal === "run" && worth.has(was.Id);
      await restoreOne(state, was, now[index], { service, context, runs }, signal);
    }
  }
}

interface Restored {
  readonly service: ServiceSnapshot;
  readonly context: DeploymentContext;
  readonly runs: boolean;
}

async function restoreOne(
  state: TargetState,
  was: ContainerInspect,
  now: ComposeContainer | undefined,
  { service, context, runs }: Restored,
  signal: AbortSignal,
): Promise<void> {
  const { docker, options } = state;
  const { name } = containerOf(was);
  let id = now?.id;
  if (now === undefined) {
    id = await recreate(state, was, signal);
    await giveFiles(state, service, id, signal);
    options.log.info(`made ${name} again (deployment ${context.deployment})`);
  } else {
    if (now.name !== name) await docker.containers.rename(now.id, name, { signal });
    for (const network of lostPlaces(was, now)) {
      const place = was.NetworkSettings.Networks[network] ?? {};
      await changeNames(state, now, network, endpointOf(place, was.Id).Aliases ?? [], signal);
    }
  }
  if (id === undefined || !runs) return;
  state.stopping.delete(id);
  await docker.containers.start(id, { signal });
  options.log.info(`started ${name} again`);
}

async function recreate(state: TargetState, was: ContainerInspect, signal: AbortSignal): Promise<string> {
  const { docker } = state;
  const reference = was.Config.Image ?? was.Image;
  // A tag may have moved since; the id is what ran. A digest can be pulled when the image has gone.
  const image = (await hasImage(docker, was.Image)) ? await sameImage(state, reference, was.Image) : reference;
  if (!(await hasImage(docker, image))) await docker.images.pull(image, { signal });
  const { name, body, connections } = recreationOf(was, image);
  const id = await docker.containers.create(name, body, { signal });
  for (const { network, endpoint } of connections) await docker.networks.connect(network, id, endpoint, { signal });
  return id;
}

/**
 * What compose copied into a container has gone with the old one. The texts of configs are in the snapshot; those of secrets
 * are in none: the compose files as they are now have to give them.
 */
async function giveFiles(state: TargetState, service: ServiceSnapshot, id: string, signal: AbortSignal): Promise<void> {
  const { cli, docker, options } = state;
  const kept = textsOf(service.files ?? []);
  try {
    const all = service.files !== undefined && kept.length === service.files.length;
    const now = all ? [] : filesToCopy(await cli.render(), service.name, { ...options.env });
    const known = new Set(kept.map(({ path }) => path));
    const files = [...kept, ...now.filter(({ path }) => !known.has(path))];
    if (files.length === 0) return;
    await docker.containers.unpack(id, packFiles(files), { signal });
    const paths = (some: typeof files): string => some.map(({ path }) => path).join(", ");
    if (kept.length > 0) options.log.info(`gave it ${paths(kept)} as it was`);
    const others = files.slice(kept.length);
    if (others.length > 0) options.log.info(`gave it ${paths(others)} of the compose files as they are now`);
  } catch (error) {
    if (signal.aborted) throw error;
    // It may do without them; whether it does is for the judge to see.
    options.log.warn(`it got no configs and secrets: ${messageOf(error)}`);
  }
}

async function sameImage(state: TargetState, reference: string, id: string): Promise<string> {
  if (!(await hasImage(state.docker, reference))) return id;
  return (await state.docker.images.inspect(reference)).Id === id ? reference : id;
}

/** @returns whether there was anything to remove. */
async function removeNew(state: TargetState, snapshot: Snapshot, signal: AbortSignal): Promise<boolean> {
  const containers = await readAll(state, snapshot, signal);
  const models = removeModels(state, signal);
  models.catch(() => undefined);
  let removed = false;
  for (const service of snapshot.services.toReversed()) {
    const made = newOnes(state, snapshot, service, containers);
    if (made.length === 0) continue;
    state.options.log.info(`removing ${made.map(({ name }) => name).join(", ")}`);
    await endAll(state, made, signal);
    removed = true;
  }
  await models;
  return removed;
}

/** Models of containers with a fixed name that a dead run left behind. They were never started. */
async function removeModels(state: TargetState, signal: AbortSignal): Promise<void> {
  const { scope } = state.options;
  const filters = { label: [`${LABELS.scope}=${scopeHash(scope)}`] };
  const own = await state.docker.containers.list({ filters }, { signal });
  const models = own.filter((one) => one.Labels[COMPOSE_LABELS.project]?.startsWith(modelProject(scope.project, "")));
  await removeAll(
    state,
    models.map(({ Id }) => ({ id: Id })),
    signal,
  );
}
