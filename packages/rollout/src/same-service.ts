import type { Condition, ContainerState, Instance, ObservedService, ProbeReading } from "@belay/core";

/** A service as one observation shows it, and what the probes say of it. */
export interface ShownService {
  readonly service: ObservedService;
  readonly readings: readonly ProbeReading[];
}

/**
 * Whether two looks show the same of a service, in all that the judge asks for. Most services of a large fleet stand still
 * most of the time, and this is much cheaper than to judge them. Objects that a target has kept are not looked into.
 */
export function isSameService(one: ShownService, other: ShownService): boolean {
  return (
    (one.service === other.service || hasSameFacts(one.service, other.service)) &&
    isSameList(one.readings, other.readings, isSameReading)
  );
}

function hasSameFacts(one: ObservedService, other: ObservedService): boolean {
  return (
    one.name === other.name &&
    one.goal === other.goal &&
    one.desired === other.desired &&
    one.wantedRevision === other.wantedRevision &&
    isSameList(one.conditions, other.conditions, isSameCondition) &&
    isSameList(one.instances, other.instances, isSameInstance)
  );
}

function isSameList<T>(one: readonly T[], other: readonly T[], isSame: (one: T, other: T) => boolean): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    const [left, right] = [one[index] as T, other[index] as T];
    if (left !== right && !isSame(left, right)) return false;
  }
  return true;
}

function isSameCondition(one: Condition, other: Condition): boolean {
  return one.type === other.type && one.message === other.message;
}

function isSameReading(one: ProbeReading, other: ProbeReading): boolean {
  return (
    one.state === other.state &&
    one.instance === other.instance &&
    one.title === other.title &&
    one.service === other.service &&
    one.detail === other.detail
  );
}

function isSameInstance(one: Instance, other: Instance): boolean {
  return (
    one.id === other.id &&
    one.ready === other.ready &&
    one.phase === other.phase &&
    one.revision === other.revision &&
    one.slot === other.slot &&
    one.title === other.title &&
    one.endedBy === other.endedBy &&
    isSameList(one.containers, other.containers, isSameContainer)
  );
}

function isSameContainer(one: ContainerState, other: ContainerState): boolean {
  return (
    one.name === other.name &&
    one.state === other.state &&
    one.health === other.health &&
    one.restarts === other.restarts &&
    one.reason === other.reason &&
    one.message === other.message &&
    one.role === other.role &&
    (one.lastExit === other.lastExit || isSameExit(one.lastExit, other.lastExit))
  );
}

type Exit = ContainerState["lastExit"];

function isSameExit(one: Exit, other: Exit): boolean {
  return (
    one?.code === other?.code &&
    one?.oomKilled === other?.oomKilled &&
    one?.at === other?.at &&
    one?.error === other?.error &&
    one?.killedBy === other?.killedBy &&
    (one === undefined) === (other === undefined)
  );
}
