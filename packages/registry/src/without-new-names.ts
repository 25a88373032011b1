import { type Digest, mapBounded } from "@belay/core";
import { type ImageChoice, withShared } from "./choose-images.ts";
import { everyEntryOf, isIndex } from "./manifest.ts";
import { ATTACHED } from "./read-repository.ts";
import type { RegistryClient } from "./registry-client.ts";

/** Tags read side by side. */
const SIDE_BY_SIDE = 4;

/**
 * The choices once more, just before something is deleted: an image that somebody gave a name since it was looked at stays.
 * Deleting would take the name with it. A name counts when it is new, and when it pointed to something else then; also one
 * of a platform, or of an index that has a platform of the image.
 * @throws what the registry throws
 */
export async function withoutNewNames(
  registry: RegistryClient,
  repository: string,
  choices: readonly ImageChoice[],
  signal?: AbortSignal,
): Promise<ImageChoice[]> {
  const seen = new Map(choices.flatMap(({ image }) => image.tags.map((tag) => [tag, image.digest] as const)));
  const tags = (await registry.tags(repository)).filter((tag) => !ATTACHED.test(tag));
  const named = new Map<Digest, string>();
  await mapBounded(tags, SIDE_BY_SIDE, signal, async (tag) => {
    const top = await registry.manifest(repository, tag);
    if (top === undefined || top.digest === seen.get(tag)) return;
    const parts = isIndex(top.mediaType) ? everyEntryOf(`reading ${repository}:${tag}`, top) : [];
    for (const digest of [top.digest, ...parts.map((part) => part.digest)]) named.set(digest, tag);
  });
  const renamed = choices.map((choice) => {
    if (choice.keep) return choice;
    const tag = [...choice.image.manifests.keys()].map((digest) => named.get(digest)).find(Boolean);
    return tag === undefined ? choice : { ...choice, keep: true, why: `it was just called ${tag}` };
  });
  return withShared(renamed);
}
