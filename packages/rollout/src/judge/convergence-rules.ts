import type { Condition, ProbeReading } from "@belay/core";
import { hasPassed, probeKey } from "./baseline.ts";
import { isReachable } from "./is-reachable.ts";
import type { TellingInstance } from "./known-instances.ts";
import { isWanted, type Scene } from "./scene.ts";

/** What must be true of every service before a release has converged. Each returns what is still waited for. */
export const CONVERGENCE: Readonly<Record<string, (scene: Scene) => string | undefined>> = {
  leftAlone,
  enough,
  allReady,
  alone,
  probesPass,
};

/** A service of which nothing is to run can be gone, and nothing of it is missing: it is not what was deployed all the same. */
function leftAlone({ service }: Scene): string | undefined {
  const found = service.conditions.find(isDrifted);
  return found && `${service.name}: ${found.message}`;
}

function isDrifted({ type }: Condition): boolean {
  return type === "drifted";
}

function enough({ service, instances, memory }: Scene): string | undefined {
  const complete = service.goal === "complete";
  const right = complete ? memory.completed : instances.ready;
  if (right >= service.desired) return undefined;
  const counts = `${right} of ${service.desired}`;
  return complete ? `${service.name}: ${counts} instances complete` : `${service.name}: ${counts} instances ready`;
}

/** An instance above the wanted number (an autoscaler's, a surge) must be right too: it may serve. */
function allReady({ service, instances }: Scene): string | undefined {
  if (service.goal === "complete") return undefined;
  const unready = instances.telling.find(isUnready);
  return unready && `${service.name}: ${unready.instance.title} is not ready`;
}

function isUnready(one: TellingInstance): boolean {
  return one.current && !one.ready;
}

function alone({ service, terms, instances }: Scene): string | undefined {
  if (terms.expect === "ready") return undefined;
  const { current, wanted } = instances;
  // With none wanted, one of the wanted revision is one too many as well. A complete one has ended and serves nothing.
  const tooMany = service.desired === 0 && service.goal === "run" ? current : current - wanted;
  return tooMany === 0 ? undefined : `${service.name}: ${tooMany} other instances to stop`;
}

function probesPass(scene: Scene): string | undefined {
  return scene.readings.length === 0 ? undefined : (notPassing(scene) ?? unasked(scene));
}

function notPassing(scene: Scene): string | undefined {
  const waiting = scene.asked.find((reading) => !hasPassed(reading) && isRequired(scene, reading));
  return waiting && `${scene.service.name}: ${waiting.title}`;
}

/**
 * Before a release serves, a probe of the service as a whole asks the release before, or nobody at all. It counts then
 * only if it passed once: what was broken before must not keep its own repair from being deployed.
 */
function isRequired(scene: Scene, reading: ProbeReading): boolean {
  if (reading.instance !== undefined || isReachable(scene.terms)) return true;
  return (scene.memory.probes.get(probeKey(reading))?.vouchers.length ?? 0) > 0;
}

/** Where instances are asked, each one must have been asked. */
function unasked({ service, readings, instances }: Scene): string | undefined {
  if (service.goal === "complete") return undefined;
  const asked = new Set(readings.map((reading) => reading.instance));
  asked.delete(undefined);
  if (asked.size === 0) return undefined;
  const missing = instances.list.find((one) => isWanted(one) && !asked.has(one.id));
  return missing && `${service.name}: ${missing.instance.title} was not asked yet`;
}
