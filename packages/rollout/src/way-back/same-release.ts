import type { Digest, Plan, RunningService, Wanted } from "@belay/core";
import type { ReleaseFacts, RunsFacts } from "../ledger/records.ts";
import { seenDesired } from "./prove-running.ts";
import type { Restored } from "./put-back.ts";

/** What the ledger may say of a target that was put back and proven: the release by name only if it truly runs. */
export function restoredRuns(
  before: RunsFacts | undefined,
  back: Pick<Restored, "wanted" | "observation">,
  running: readonly RunningService[],
): RunsFacts {
  const served = back.wanted.filter((one) => one.goal === "run" && one.desired > 0);
  const agrees = served.length > 0 && served.every((one) => carries(before, find(running, one.service)));
  const proven = before?.proven !== false || !running.some((one) => isExcused(one, back));
  return agrees ? { ...before, proven } : { proven };
}

/** Nothing of it had to be right on the way back, since nothing was before: so that has proven nothing of it either. */
function isExcused(
  running: RunningService,
  { wanted, observation }: Pick<Restored, "wanted" | "observation">,
): boolean {
  const one = wanted.find(({ service }) => service === running.service);
  if (running.desired === 0 || one?.goal === "complete") return false;
  return running.ready === 0 || (one !== undefined && expectedOf(one, observation) === 0);
}

/** The judge of a restoration may be shown fewer than are wanted. */
function expectedOf(wanted: Wanted, observation: Restored["observation"]): number {
  return Math.min(wanted.desired, seenDesired(wanted, observation) ?? wanted.desired);
}

/** Services that run another image than the proven release of the ledger: somebody else changed them. */
export function driftedServices(before: RunsFacts | undefined, plan: Plan): readonly string[] {
  if (before?.release === undefined || !before.proven) return [];
  const { release } = before;
  const drifted = plan.services.filter(({ service, from, goal }) => {
    if (goal !== "run" || release.images[service] === undefined) return false;
    return from === undefined || isImageOf(release, { ...from, service }) === false;
  });
  return drifted.map((one) => one.service);
}

/** What of the services differs from what the ledger says should run: a sentence per service. Nothing where it says nothing. */
export function driftOf(
  should: RunsFacts | undefined,
  running: readonly RunningService[],
): readonly { readonly service: string; readonly message: string }[] {
  const release = should?.proven === true ? should.release : undefined;
  if (release === undefined) return [];
  return Object.entries(release.images).flatMap(([service, image]) => {
    const found = find(running, service);
    if (found === undefined) return [{ service, message: `nothing of it runs, and ${image} should` }];
    if (isImageOf(release, found) === false) return [{ service, message: `${found.image} runs, and ${image} should` }];
    if (found.deployment !== undefined) return [];
    return [{ service, message: "its instances were not made by Belay: their configuration may be another" }];
  });
}

/**
 * Services of the release that a plan to bring it back does not show to have its image: a tag, which somebody set by hand since,
 * shows nothing. What runs once leaves nothing to have.
 */
export function lostServices(release: ReleaseFacts, plan: Plan): readonly string[] {
  return Object.keys(release.images).filter((service) => {
    const change = plan.services.find((one) => one.service === service);
    if (change?.goal === "complete") return false;
    if (change?.to === undefined) return true;
    const isIts = isImageOf(release, { ...change.to, service });
    return digestOf(release.images[service]) === undefined ? isIts === false : isIts !== true;
  });
}

function find(running: readonly RunningService[], service: string): RunningService | undefined {
  return running.find((one) => one.service === service);
}

/** By its image, or by the labels on the instances: an engine may show a digest that the ledger does not know. */
function carries(before: RunsFacts | undefined, running: RunningService | undefined): boolean {
  if (before?.release === undefined || running === undefined) return false;
  if (isImageOf(before.release, running) === true) return true;
  const number = before.deployment !== undefined && running.deployment === before.deployment;
  return number || running.release === before.release.digest;
}

/** `undefined` when either side knows no digest. */
function isImageOf(
  release: ReleaseFacts,
  shown: { readonly service: string; readonly image: string; readonly digests: readonly Digest[] },
): boolean | undefined {
  const pinned = digestOf(release.images[shown.service]);
  const digests: readonly string[] = [...shown.digests, digestOf(shown.image)].filter((one) => one !== undefined);
  return pinned === undefined || digests.length === 0 ? undefined : digests.includes(pinned);
}

function digestOf(reference: string | undefined): string | undefined {
  return reference?.split("@")[1];
}
