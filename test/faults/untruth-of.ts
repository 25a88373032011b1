import type { RunningService } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import type { SeenInstance } from "./fault-stand.ts";

/** All instances that were there at one moment. Nothing where the engine did not answer. */
export type Look = readonly SeenInstance[] | undefined;

interface OldRelease {
  readonly digests: readonly string[];
  /** How many of it are to run. */
  readonly instances: number;
}

/**
 * What is not true of the end that a run told, in words. `looks`: just before its last reading of what runs, and after its
 * end, so that what it read lies between them. Where nobody could look, only what it said itself is compared.
 */
export function untruthOf(result: DeploymentResult, old: OldRelease, looks: readonly Look[]): string | undefined {
  const { outcome, cause, report } = result;
  const web = report.running.find(({ service }) => service === "web");
  if (outcome === "rollback_failed" && isWhole(web, old))
    return "it read the old release as a whole, and said it failed";
  const seen = looks.filter((look) => look !== undefined);
  // It says nothing of what runs, or nobody could look.
  const silent = web === undefined && (result.leftOpen || cause?.cause === "engine_unreachable");
  if (silent || seen.length < looks.length) return undefined;
  const counts = seen.map((look) => look.filter((one) => one.healthy && isOf(one, web?.digests)).length);
  const ready = web?.ready ?? 0;
  if (ready >= Math.min(...counts) && ready <= Math.max(...counts)) return undefined;
  return `it said that ${ready} of web are ready, and ${counts.join(", then ")} were`;
}

function isWhole(web: RunningService | undefined, { digests, instances }: OldRelease): boolean {
  const own = web?.digests.some((digest) => digests.includes(digest)) === true;
  return own && web?.wantedRevision === undefined && (web?.ready ?? 0) >= instances;
}

/** Of any release, where none is named. */
function isOf({ digests }: SeenInstance, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || digests.some((digest) => wanted.includes(digest));
}
