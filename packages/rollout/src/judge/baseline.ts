import type { Condition, ContainerState, Instance, Observation, ObservedService, ProbeReading } from "@belay/core";

/** What a container was like when the deployment began: only what differs from it counts. */
export interface ContainerBaseline {
  readonly name: string;
  readonly restarts: number;
  /** It was not running: ended, or waiting for its next start. */
  readonly down: boolean;
  /** {@link exitKey} of its last exit. */
  readonly exit: string;
}

export interface InstanceBaseline {
  readonly ready: boolean;
  readonly unhealthy: boolean;
  /** Those of which something is left over: that were restarted, or down. */
  readonly containers: readonly ContainerBaseline[];
}

/**
 * The target as it was at begin. An instance is new when its id is not here: an engine's clock is never asked, so that
 * one which is wrong, or jumps, changes nothing. The observation must list `history` too (Swarm keeps dead tasks).
 */
export interface Baseline {
  readonly services: readonly string[];
  readonly instances: ReadonlyMap<string, InstanceBaseline>;
  /** {@link conditionKey} of what the engine complained about already: left over from earlier deployments. */
  readonly conditions: ReadonlySet<string>;
  /** {@link probeKey} of what passed, with the ids of the instances that were ready then. */
  readonly passing: ReadonlyMap<string, readonly string[]>;
}

/** Reads the baseline from an observation made after the claim and before the first change. */
export function takeBaseline(observation: Observation): Baseline {
  const { services, probes } = observation;
  const passing = probes.filter(hasPassed);
  return {
    services: services.map((service) => service.name),
    instances: new Map(services.flatMap((service) => service.instances).map((one) => [one.id, instanceBaseline(one)])),
    conditions: new Set(services.flatMap(leftOver)),
    passing: new Map(passing.map((probe) => [probeKey(probe), readyIds(observation, probe.service)])),
  };
}

/** What somebody does while a deployment is under way is no matter of an earlier one. */
function leftOver({ name, conditions }: ObservedService): string[] {
  return conditions.filter(({ type }) => type !== "drifted").map((one) => conditionKey(name, one));
}

/** Ids of a service's current instances that are ready, whatever their revision. */
export function readyIds(observation: Observation, service: string): string[] {
  const found = observation.services.find((one) => one.name === service);
  return (found?.instances ?? []).filter((one) => one.phase === "current" && isReady(one)).map((one) => one.id);
}

/** Each further try of the engine tells of what may pass with other numbers and names: it stays the same. */
export function conditionKey(service: string, condition: Condition): string {
  return JSON.stringify([service, condition.type, condition.mayPass ? "" : condition.message]);
}

/** Of those that serve now. */
export function hasPassed({ state, outdated }: ProbeReading): boolean {
  return state === "passing" && outdated !== true;
}

export function probeKey(probe: ProbeReading): string {
  return `${probe.service}\n${probe.instance ?? ""}\n${probe.title}`;
}

/** Ready in the engine's words, and no container of it says otherwise. */
export function isReady(instance: Instance): boolean {
  return instance.ready && !isUnhealthy(instance);
}

export function isUnhealthy(instance: Instance): boolean {
  const { containers } = instance;
  for (let place = 0; place < containers.length; place++) if (containers[place]?.health === "unhealthy") return true;
  return false;
}

export function hasEnded(container: ContainerState): boolean {
  return container.state === "exited" || container.state === "dead";
}

export function isUp(container: ContainerState): boolean {
  return container.state === "running" || container.state === "paused";
}

/** Tells one exit from another. The engine's time in it is compared for equality only, so that no clock matters. */
export function exitKey(container: ContainerState): string {
  const exit = container.lastExit;
  return exit === undefined ? "" : `${exit.at ?? ""}/${exit.code}/${exit.error ?? ""}`;
}

/** What most of a fleet is like. */
const WELL: InstanceBaseline = { ready: true, unhealthy: false, containers: [] };

function instanceBaseline(instance: Instance): InstanceBaseline {
  const unhealthy = isUnhealthy(instance);
  const ready = isReady(instance);
  const containers = instance.containers.filter((one) => one.restarts > 0 || !isUp(one)).map(containerBaseline);
  return ready && containers.length === 0 ? WELL : { ready, unhealthy, containers };
}

function containerBaseline(container: ContainerState): ContainerBaseline {
  const { name, restarts } = container;
  return { name, restarts, down: !isUp(container), exit: exitKey(container) };
}
