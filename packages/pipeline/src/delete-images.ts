import { type ImageChoice, manifestsToDelete, type RegistryClient } from "@belay/registry";
import type { PipelineContext } from "./context.ts";

export interface DeletedImages {
  /** As they were given, but what could not be deleted stays now, with the reason. */
  readonly choices: readonly ImageChoice[];
  /** Manifests that were deleted: images, their platforms, and what hung on them. */
  readonly deleted: number;
}

/** Deletes what does not stay, with all that hangs on it, from a registry that deletes (distribution spec). */
export async function deleteImages(
  { signal }: PipelineContext,
  registry: RegistryClient,
  repository: string,
  choices: readonly ImageChoice[],
): Promise<DeletedImages> {
  let deleted = 0;
  for (const digest of manifestsToDelete(choices)) {
    signal.throwIfAborted();
    if (await registry.deleteManifest(repository, digest)) deleted++;
  }
  return { choices, deleted };
}
