import type { ObservedService, ProbeReading } from "@belay/core";
import { isReady, probeKey } from "./baseline.ts";
import { completed } from "./facts.ts";
import type { Scene } from "./judge-rules.ts";

/** What must be true of every service before a release has converged. Each returns what is still waited for. */
export const CONVERGENCE: Readonly<Record<string, (scene: Scene) => string | undefined>> = {
  enough,
  allReady,
  alone,
  probesPass,
};

/** Current instances of the revision that is wanted. */
export function wantedInstances(service: ObservedService) {
  return service.instances.filter((one) => one.phase === "current" && one.revision === service.wantedRevision);
}

function enough({ service }: Scene): string | undefined {
  const complete = service.goal === "complete";
  const right = complete ? completed(service) : wantedInstances(service).filter(isReady).length;
  if (right >= service.desired) return undefined;
  return `${service.name}: ${right} of ${service.desired} instances ${complete ? "complete" : "ready"}`;
}

/** An instance above the wanted number (an autoscaler's, a surge) must be right too: it may serve. */
function allReady({ service }: Scene): string | undefined {
  if (service.goal === "complete") return undefined;
  const unready = wantedInstances(service).filter((one) => !isReady(one));
  return unready.length === 0 ? undefined : `${service.name}: ${unready[0]?.title} is not ready`;
}

function alone({ service, terms }: Scene): string | undefined {
  if (terms.expect === "ready") return undefined;
  const current = service.instances.filter((one) => one.phase === "current");
  // With none wanted, one of the wanted revision is one too many as well. A complete one has ended and serves nothing.
  const tooMany = current.filter(
    (one) => one.revision !== service.wantedRevision || (service.desired === 0 && service.goal === "run"),
  );
  return tooMany.length === 0 ? undefined : `${service.name}: ${tooMany.length} other instances to stop`;
}

function probesPass(scene: Scene): string | undefined {
  const waiting = scene.readings.find((reading) => isRequired(scene, reading) && reading.state !== "passing");
  if (waiting !== undefined) return `${scene.service.name}: ${waiting.title}`;
  return unasked(scene);
}

/**
 * Before a release serves, a probe of the service as a whole asks the release before, or nobody at all. It counts then
 * only if it passed once: what was broken before must not keep its own repair from being deployed.
 */
function isRequired(scene: Scene, reading: ProbeReading): boolean {
  if (reading.instance !== undefined || scene.terms.expect === "alone") return true;
  return (scene.probes.get(probeKey(reading))?.vouchers.length ?? 0) > 0;
}

/** Where instances are asked, each one must have been asked. */
function unasked(scene: Scene): string | undefined {
  const asked = new Set(scene.readings.map((reading) => reading.instance));
  asked.delete(undefined);
  if (!scene.asksInstances || scene.service.goal === "complete") return undefined;
  const missing = wantedInstances(scene.service).find((one) => !asked.has(one.id));
  return missing && `${scene.service.name}: ${missing.title} was not asked yet`;
}
