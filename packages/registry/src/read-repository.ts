import { type Digest, type Log, mapBounded, messageOf } from "@belay/core";
import { configOf, type Descriptor, entriesOf, isIndex, layersOf, type StoredManifest } from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";

/** An image in a repository, with all that hangs on it. */
export interface StoredImage {
  /** Of what its tags point to: an index or a manifest. */
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** From the config of its first platform, ISO 8601. None when it says nothing, or can't be read. */
  readonly createdAt?: string;
  /** It and the manifests in its index, with their sizes in bytes. */
  readonly manifests: ReadonlyMap<Digest, number>;
  /** What refers to it: signatures, releases, bills of materials, and the lists of them. */
  readonly attached: ReadonlyMap<Digest, number>;
  /** Configs and layers of all of these. */
  readonly blobs: ReadonlyMap<Digest, number>;
  /** Why it could not be read whole. Then nothing is known of what hangs on it. */
  readonly unreadable?: string;
}

/** `sha256-<hex>`, `sha256-<hex>.sig`, `.att`, `.sbom`: what refers to an image, by its digest (cosign, distribution spec). */
export const ATTACHED = /^sha256-([0-9a-f]{64})(?:\.[a-z]+)?$/;
/** Images read side by side. */
const SIDE_BY_SIDE = 4;

/** Reads every image of a repository that has a tag. What has none can't be listed anywhere. */
export async function readRepository(
  registry: RegistryClient,
  repository: string,
  log: Log,
  signal?: AbortSignal,
): Promise<readonly StoredImage[]> {
  const tags = await registry.tags(repository);
  const byDigest = new Map<Digest, { readonly top: StoredManifest; readonly tags: string[] }>();
  const named = tags.filter((tag) => !ATTACHED.test(tag));
  await mapBounded(named, SIDE_BY_SIDE, signal, async (tag) => {
    const top = await registry.manifest(repository, tag);
    // Somebody deleted it just now.
    if (top === undefined) return;
    const known = byDigest.get(top.digest) ?? { top, tags: [] };
    known.tags.push(tag);
    byDigest.set(top.digest, known);
  });
  const beside = tags.filter((tag) => ATTACHED.test(tag));
  return mapBounded([...byDigest.values()], SIDE_BY_SIDE, signal, async ({ top, tags: own }) => {
    try {
      return await readImage(registry, repository, top, own.sort(), beside);
    } catch (error) {
      signal?.throwIfAborted();
      log.debug(`${repository}@${top.digest}: ${messageOf(error)}`);
      const nothing = new Map<Digest, number>();
      const facts = { digest: top.digest, tags: own.sort(), attached: nothing, blobs: nothing };
      return { ...facts, manifests: new Map([[top.digest, top.bytes.length]]), unreadable: messageOf(error) };
    }
  });
}

async function readImage(
  registry: RegistryClient,
  repository: string,
  top: StoredManifest,
  tags: readonly string[],
  beside: readonly string[],
): Promise<StoredImage> {
  const reading = new Reading(registry, repository);
  const manifests = new Map([[top.digest, top.bytes.length]]);
  const parts = isIndex(top.mediaType)
    ? await reading.follow(entriesOf(`reading ${top.digest}`, top), manifests)
    : [top];
  for (const part of parts) reading.note(part);
  const attached = new Map<Digest, number>();
  for (const subject of manifests.keys()) {
    await reading.follow((await registry.referrers(repository, subject)) ?? [], attached);
    const own = beside.filter((tag) => ATTACHED.exec(tag)?.[1] === subject.slice("sha256:".length));
    for (const tag of own) await reading.tag(tag, attached);
  }
  const createdAt = parts[0] === undefined ? undefined : await reading.createdAt(parts[0]);
  const facts = { digest: top.digest, tags, manifests, attached, blobs: reading.blobs };
  return { ...facts, ...(createdAt === undefined ? {} : { createdAt }) };
}

class Reading {
  readonly blobs = new Map<Digest, number>();
  readonly #registry: RegistryClient;
  readonly #repository: string;

  constructor(registry: RegistryClient, repository: string) {
    this.#registry = registry;
    this.#repository = repository;
  }

  /** Reads these manifests, and notes their sizes in `sizes`. */
  async follow(entries: readonly Descriptor[], sizes: Map<Digest, number>): Promise<StoredManifest[]> {
    const found: StoredManifest[] = [];
    for (const { digest } of entries) {
      const manifest = await this.#registry.manifest(this.#repository, digest);
      if (manifest === undefined) continue;
      sizes.set(digest, manifest.bytes.length);
      this.note(manifest);
      found.push(manifest);
    }
    return found;
  }

  /** A signature's manifest, or a list of artifacts with all that it lists. */
  async tag(tag: string, sizes: Map<Digest, number>): Promise<void> {
    const manifest = await this.#registry.manifest(this.#repository, tag);
    if (manifest === undefined) return;
    sizes.set(manifest.digest, manifest.bytes.length);
    if (isIndex(manifest.mediaType)) await this.follow(entriesOf(`reading ${tag}`, manifest), sizes);
    else this.note(manifest);
  }

  note(manifest: StoredManifest): void {
    if (isIndex(manifest.mediaType)) return;
    const doing = `reading ${this.#repository}@${manifest.digest}`;
    for (const { digest, size } of [configOf(doing, manifest), ...layersOf(doing, manifest)])
      this.blobs.set(digest, size);
  }

  async createdAt(manifest: StoredManifest): Promise<string | undefined> {
    const config = configOf(`reading ${this.#repository}@${manifest.digest}`, manifest);
    const bytes = await this.#registry.blob(this.#repository, config.digest);
    try {
      const { created } = JSON.parse(String(bytes)) as { created?: unknown };
      // Go's zero time: nobody said when.
      return typeof created === "string" && Date.parse(created) > 0 ? created : undefined;
    } catch {
      return undefined;
    }
  }
}
