import type { Condition, ObservedService, ProbeReading } from "@belay/core";
import { isSameList } from "./same-list.ts";

/** A service as one observation shows it, and what the probes say of it. */
export interface ShownService {
  readonly service: ObservedService;
  readonly readings: readonly ProbeReading[];
}

/**
 * Whether two looks show the same of a service, in all that the judge asks for besides its instances, which are known one
 * by one. Most services of a large fleet stand still most of the time, and this is much cheaper than to judge them.
 */
export function isSameService(one: ShownService, other: ShownService): boolean {
  return (
    one.service.name === other.service.name &&
    one.service.goal === other.service.goal &&
    one.service.desired === other.service.desired &&
    one.service.wantedRevision === other.service.wantedRevision &&
    isSameList(one.service.conditions, other.service.conditions, isSameCondition) &&
    isSameList(one.readings, other.readings, isSameReading)
  );
}

function isSameCondition(one: Condition, other: Condition): boolean {
  return one.type === other.type && one.message === other.message && one.mayPass === other.mayPass;
}

function isSameReading(one: ProbeReading, other: ProbeReading): boolean {
  return (
    one.state === other.state &&
    one.instance === other.instance &&
    one.title === other.title &&
    one.service === other.service &&
    one.detail === other.detail &&
    one.outdated === other.outdated
  );
}
