import type { ContainerState, Instance, ObservedService } from "@belay/core";
import { exitKey, hasEnded, type InstanceBaseline, isReady, isUnhealthy, isUp } from "./baseline.ts";
import { isSameList } from "./same-list.ts";

/** What is remembered of one container of an instance. */
export interface ContainerFacts {
  readonly name: string;
  /** Restarts that do not count: those before begin. Falls when an engine starts to count anew (`docker start`). */
  readonly uncounted: number;
  /** It was down at begin and is still, with the same last exit. */
  readonly downBefore: boolean;
}

/** What is remembered of one instance of the wanted revision, between observations. */
export interface InstanceFacts {
  /** Its phase was `current` when it was seen last. */
  readonly current: boolean;
  /** Ready at begin or seen ready since, and not restarted after that. */
  readonly wasReady: boolean;
  /** Since when it is not ready without a break; first-seen, monotonic. */
  readonly unreadySince: number | undefined;
  /** Since when one of its lasting containers is seen ended. */
  readonly endedSince: number | undefined;
  /** It was unhealthy at begin and has not been well since: no evidence against what was done after. */
  readonly unhealthyBefore: boolean;
  readonly restarts: number;
  /** None where nothing is left over from before begin, as of every new instance. */
  readonly containers: readonly ContainerFacts[];
  /** What it was like at begin, if it was there. */
  readonly baseline: InstanceBaseline | undefined;
}

/** Crashes of one container of one instance. Kept after the instance is gone: Swarm replaces the task and forgets it. */
export interface Crash {
  readonly slot: string;
  readonly container: string;
  readonly title: string;
  readonly count: number;
  readonly exitCode: number | undefined;
}

/** An instance of the wanted revision can tell of this deployment, but not on its way out. */
export function isTelling(service: ObservedService, instance: Instance): boolean {
  return instance.revision === service.wantedRevision && instance.phase !== "draining";
}

/**
 * Remembers an instance as it looks now. `before` is what was remembered of it, if it was seen since begin; when nothing
 * has changed it is returned itself, which keeps a look at ten thousand instances cheap.
 */
export function rememberInstance(
  instance: Instance,
  before: InstanceFacts | undefined,
  baseline: InstanceBaseline | undefined,
  now: number,
): InstanceFacts {
  const ready = isReady(instance);
  const { restarts, ended, beginning } = sumUp(instance.containers);
  const restarted = before !== undefined && restarts !== before.restarts;
  const readyBefore = before === undefined ? (baseline?.ready ?? false) : before.wasReady;
  const current = instance.phase === "current";
  const wasReady = ready || (readyBefore && !restarted && !beginning);
  const unreadySince = ready ? undefined : (before?.unreadySince ?? now);
  const endedSince = ended ? (before?.endedSince ?? now) : undefined;
  const unhealthyBefore = isUnhealthy(instance) && (before?.unhealthyBefore ?? baseline?.unhealthy ?? false);
  const containers = rememberContainers(instance.containers, before?.containers, baseline);
  if (
    before !== undefined &&
    !restarted &&
    before.current === current &&
    before.wasReady === wasReady &&
    before.unreadySince === unreadySince &&
    before.endedSince === endedSince &&
    before.unhealthyBefore === unhealthyBefore &&
    before.containers === containers
  )
    return before;
  return { current, wasReady, unreadySince, endedSince, unhealthyBefore, restarts, containers, baseline };
}

/** All that is asked of an instance's containers together, in one go. */
function sumUp(containers: readonly ContainerState[]): { restarts: number; ended: boolean; beginning: boolean } {
  let restarts = 0;
  let ended = false;
  let beginning = false;
  for (let place = 0; place < containers.length; place++) {
    const one = containers[place] as ContainerState;
    restarts += one.restarts;
    ended ||= lasting(one) && hasEnded(one);
    // A health check begins anew only when its container does. An engine that was killed starts its containers again, and
    // counts that as no restart (moby, seen on 20.10).
    beginning ||= one.health === "starting";
  }
  return { restarts, ended, beginning };
}

/** A container that should run as long as its instance does. */
export function lasting(container: ContainerState): boolean {
  return container.role !== "init";
}

const NOTHING_BEFORE: readonly ContainerFacts[] = [];

function rememberContainers(
  containers: readonly ContainerState[],
  before: readonly ContainerFacts[] | undefined,
  baseline: InstanceBaseline | undefined,
): readonly ContainerFacts[] {
  if (baseline === undefined || baseline.containers.length === 0) return NOTHING_BEFORE;
  const after = containers.map((one) => rememberContainer(one, before && factsOf(before, one), baseline));
  return before !== undefined && isSameList(before, after, () => false) ? before : after;
}

/** An instance has few containers: a list is searched faster than a map, and takes less memory. */
export function factsOf(facts: readonly ContainerFacts[], { name }: ContainerState): ContainerFacts | undefined {
  return facts.length === 0 ? undefined : facts.find((one) => one.name === name);
}

function rememberContainer(
  container: ContainerState,
  before: ContainerFacts | undefined,
  baseline: InstanceBaseline,
): ContainerFacts {
  const { name, restarts } = container;
  const base = baseline.containers.find((one) => one.name === name);
  const uncounted = Math.min(before?.uncounted ?? base?.restarts ?? 0, restarts);
  const sameCorpse = !isUp(container) && base?.down === true && base.exit === exitKey(container);
  const downBefore = sameCorpse && (before?.downBefore ?? true);
  return before?.uncounted === uncounted && before.downBefore === downBefore ? before : { name, uncounted, downBefore };
}

/** Whether the container's present state or last exit came after begin. What has done its work as it should tells nothing. */
export function exitedSinceBegin(container: ContainerState, facts: ContainerFacts | undefined): boolean {
  if (container.restarts > (facts?.uncounted ?? 0)) return true;
  return !isUp(container) && facts?.downBefore !== true && !hasDoneWell(container);
}

function hasDoneWell(container: ContainerState): boolean {
  const { lastExit } = container;
  if (lasting(container) || !hasEnded(container) || container.reason !== undefined) return false;
  return lastExit?.code === 0 && !lastExit.oomKilled && !lastExit.error && lastExit.killedBy === undefined;
}

/** How often a container ended by itself since begin, although its service is to keep running. */
export function countCrashes(
  service: ObservedService,
  instance: Instance,
  container: ContainerState,
  facts: ContainerFacts | undefined,
): number {
  const restarts = container.restarts - (facts?.uncounted ?? 0);
  return restarts + (isFreshCorpse(service, instance, container, facts) ? 1 : 0);
}

function isFreshCorpse(
  service: ObservedService,
  instance: Instance,
  container: ContainerState,
  facts: ContainerFacts | undefined,
): boolean {
  if (instance.endedBy === "engine" || instance.endedBy === "node" || facts?.downBefore === true) return false;
  // Kubernetes keeps a crashed container "waiting" until its back-off is over, and counts the restart only then.
  const backingOff = container.reason === "CrashLoopBackOff" && container.state === "waiting";
  if (!hasEnded(container) && !backingOff) return false;
  const finished = container.lastExit?.code === 0 && (service.goal === "complete" || !lasting(container));
  return !finished;
}

export function isComplete(instance: Instance): boolean {
  const mains = instance.containers.filter((container) => container.role === "main");
  return mains.length > 0 && mains.every((one) => hasEnded(one) && one.lastExit?.code === 0);
}

/** How many instances of the wanted revision ran to a good end. */
export function completed(service: ObservedService): number {
  return service.instances.filter((one) => isTelling(service, one) && isComplete(one)).length;
}
