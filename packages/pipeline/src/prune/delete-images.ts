import type { Digest } from "@belay/core";
import { type ImageChoice, manifestsToDelete, type RegistryClient } from "@belay/registry";
import type { PipelineContext } from "../run/context.ts";
import { FreshChoices, type LookAgain } from "./fresh-choices.ts";

export interface DeletedImages {
  /** As they were given, but what could not be deleted, or is needed by now, stays with the reason. */
  readonly choices: readonly ImageChoice[];
  /** Manifests that were deleted: images, their platforms, and what hung on them. */
  readonly deleted: number;
}

/** Deletes what does not stay, with all that hangs on it, from a registry that deletes (distribution spec). */
export async function deleteImages(
  { signal, clock }: PipelineContext,
  registry: RegistryClient,
  repository: string,
  choices: readonly ImageChoice[],
  look: LookAgain,
): Promise<DeletedImages> {
  if (choices.every(({ keep }) => keep)) return { choices, deleted: 0 };
  const fresh = new FreshChoices(clock, look);
  const done = new Set<Digest>();
  let [seen, queue, deleted] = [choices, [] as Digest[], 0];
  for (;;) {
    const renewed = await fresh.renew(() => seen);
    if (renewed !== undefined) {
      seen = renewed;
      queue = manifestsToDelete(seen).filter((digest) => !done.has(digest));
    }
    const digest = queue.shift();
    if (digest === undefined) break;
    signal.throwIfAborted();
    if (await registry.deleteManifest(repository, digest)) deleted++;
    done.add(digest);
  }
  // An image that somebody needs after it is gone is gone all the same; only its platforms may still be there.
  const after = seen.map((choice) => (done.has(choice.image.digest) ? { ...choice, keep: false } : choice));
  return { choices: after, deleted };
}
