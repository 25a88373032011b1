import { type Digest, isDigest, mapBounded, perObject } from "@belay/core";
import { type Docker, type ImageInspect, isNotFound } from "@belay/docker";

/** Every digest under which this engine knows an image. */
export function digestsOf(image: ImageInspect): Digest[] {
  const repo = (image.RepoDigests ?? []).map((reference) => reference.split("@")[1] ?? "");
  const all = [image.Id, image.Descriptor?.digest ?? "", ...repo];
  return [...new Set(all.filter(isDigest))];
}

/** All of a thousand requests that were begun at once would have to be answered within the time for one. */
const AT_ONCE = 8;

/** Looks images up by id, each once: an id names its content. */
export class ImageCache {
  readonly #docker: Docker;
  readonly #images = new Map<string, ImageInspect>();
  readonly #found = perObject(digestsOf);

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  /** `undefined` when the engine no longer has it (an image can be removed by force under its containers). */
  async find(id: string): Promise<ImageInspect | undefined> {
    const known = this.#images.get(id);
    if (known !== undefined) return known;
    try {
      const image = await this.#docker.images.inspect(id);
      this.#images.set(id, image);
      return image;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** {@link digests} of each. */
  async digestsOf(ids: Iterable<string>, signal?: AbortSignal): Promise<ReadonlyMap<string, readonly Digest[]>> {
    const each = await mapBounded(
      [...new Set(ids)],
      AT_ONCE,
      signal,
      async (id) => [id, await this.digests(id)] as const,
    );
    return new Map(each);
  }

  /** The same list each time, as long as the engine has the image. */
  async digests(id: string): Promise<readonly Digest[]> {
    const image = await this.find(id);
    if (image !== undefined) return this.#found(image);
    return isDigest(id) ? [id] : [];
  }
}
