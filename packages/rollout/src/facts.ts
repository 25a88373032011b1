import type { Condition, ContainerState, Instance, ObservedService } from "@belay/core";
import { conditionKey, exitKey, hasEnded, type InstanceBaseline, isReady, isUnhealthy, isUp } from "./baseline.ts";

/** What is remembered of one container of a current instance. */
export interface ContainerFacts {
  /** Restarts that do not count: those before begin. Falls when an engine starts to count anew (`docker start`). */
  readonly uncounted: number;
  /** It was down at begin and is still, with the same last exit. */
  readonly downBefore: boolean;
}

/** What is remembered of one instance of the wanted revision, between observations. */
export interface InstanceFacts {
  /** Ready at begin or seen ready since, and not restarted after that. */
  readonly wasReady: boolean;
  /** Since when it is not ready without a break; first-seen, monotonic. */
  readonly unreadySince: number | undefined;
  /** Since when one of its lasting containers is seen ended. */
  readonly endedSince: number | undefined;
  /** It was unhealthy at begin and has not been well since: no evidence against what was done after. */
  readonly unhealthyBefore: boolean;
  readonly restarts: number;
  readonly containers: ReadonlyMap<string, ContainerFacts>;
}

/** Crashes of one container of one instance. Kept after the instance is gone: Swarm replaces the task and forgets it. */
export interface Crash {
  readonly service: string;
  readonly slot: string;
  readonly container: string;
  readonly title: string;
  readonly count: number;
  readonly exitCode: number | undefined;
}

/** What is remembered of one service. */
export interface ServiceFacts {
  /** Most current instances of the wanted revision that were seen at once. */
  readonly most: number;
  /** Since when fewer instances than wanted exist, of any revision, with no new one coming. */
  readonly missingSince: number | undefined;
}

/** Instances of the wanted revision that can tell of this deployment: those on their way out can't. */
export function tellingInstances(service: ObservedService): readonly Instance[] {
  return service.instances.filter((one) => one.revision === service.wantedRevision && one.phase !== "draining");
}

/** Remembers an instance as it looks now. `before` is what was remembered of it, if it was seen since begin. */
export function rememberInstance(
  instance: Instance,
  before: InstanceFacts | undefined,
  baseline: InstanceBaseline | undefined,
  now: number,
): InstanceFacts {
  const ready = isReady(instance);
  const restarts = instance.containers.reduce((sum, container) => sum + container.restarts, 0);
  const restarted = before !== undefined && restarts !== before.restarts;
  const wasReady = before === undefined ? (baseline?.ready ?? false) : before.wasReady;
  const containers = new Map(
    instance.containers.map((one) => [one.name, rememberContainer(one, before, baseline)] as const),
  );
  const ended = instance.containers.some((one) => lasting(one) && hasEnded(one));
  return {
    wasReady: ready || (wasReady && !restarted),
    unreadySince: ready ? undefined : (before?.unreadySince ?? now),
    endedSince: ended ? (before?.endedSince ?? now) : undefined,
    unhealthyBefore: isUnhealthy(instance) && (before?.unhealthyBefore ?? baseline?.unhealthy ?? false),
    restarts,
    containers,
  };
}

/** A container that should run as long as its instance does. */
export function lasting(container: ContainerState): boolean {
  return container.role !== "init";
}

function rememberContainer(
  container: ContainerState,
  before: InstanceFacts | undefined,
  baseline: InstanceBaseline | undefined,
): ContainerFacts {
  const base = baseline?.containers.get(container.name);
  const facts = before?.containers.get(container.name);
  const sameCorpse = !isUp(container) && base?.down === true && base.exit === exitKey(container);
  return {
    uncounted: Math.min(facts?.uncounted ?? base?.restarts ?? 0, container.restarts),
    downBefore: sameCorpse && (facts?.downBefore ?? true),
  };
}

/** True when the container's last exit happened after begin. */
export function exitedSinceBegin(container: ContainerState, facts: ContainerFacts | undefined): boolean {
  const uncounted = facts?.uncounted ?? 0;
  return container.restarts > uncounted || (!isUp(container) && facts?.downBefore !== true);
}

/** How often a container ended by itself since begin, although its service is to keep running. */
export function countCrashes(
  service: ObservedService,
  instance: Instance,
  container: ContainerState,
  facts: ContainerFacts | undefined,
): number {
  const restarts = Math.max(0, container.restarts - (facts?.uncounted ?? 0));
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

/** Remembers the service's numbers. */
export function rememberService(service: ObservedService, before: ServiceFacts | undefined, now: number): ServiceFacts {
  const present = service.instances.filter((one) => one.phase === "current");
  const wanted = present.filter((one) => one.revision === service.wantedRevision).length;
  const done = tellingInstances(service).filter((one) => one.phase === "history" && isComplete(one)).length;
  const missing = present.length + (service.goal === "complete" ? done : 0) < service.desired;
  const grew = before !== undefined && wanted > before.most;
  return {
    most: Math.max(before?.most ?? 0, wanted),
    missingSince: missing ? (grew ? now : (before?.missingSince ?? now)) : undefined,
  };
}

/** How many instances of the wanted revision ran to a good end. */
export function completed(service: ObservedService): number {
  return tellingInstances(service).filter((one) => isComplete(one)).length;
}

export function isComplete(instance: Instance): boolean {
  const mains = instance.containers.filter((container) => container.role === "main");
  return mains.length > 0 && mains.every((one) => hasEnded(one) && one.lastExit?.code === 0);
}

/** Since when each condition is seen; those that stood at begin and never went away are left out. */
export function rememberConditions(
  services: readonly ObservedService[],
  before: { readonly since: ReadonlyMap<string, number>; readonly old: ReadonlySet<string> },
  now: number,
): { readonly since: ReadonlyMap<string, number>; readonly old: ReadonlySet<string> } {
  const seen = services.flatMap(({ name, conditions }) => conditions.map((one: Condition) => conditionKey(name, one)));
  const old = new Set(seen.filter((key) => before.old.has(key)));
  return { old, since: new Map(seen.filter((key) => !old.has(key)).map((key) => [key, before.since.get(key) ?? now])) };
}
