import { type Digest, type Log, mapBounded, messageOf } from "@belay/core";
import {
  configOf,
  type Descriptor,
  entriesOf,
  everyEntryOf,
  isIndex,
  layersOf,
  madeAtOf,
  type StoredManifest,
} from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RELEASE_ARTIFACT } from "./release-referrer.ts";

/** An image in a repository, with all that hangs on it. */
export interface StoredImage {
  /** Of what its tags point to: an index or a manifest. */
  readonly digest: Digest;
  readonly tags: readonly string[];
  /** From the config of its first platform, ISO 8601. None when it says nothing, or can't be read. */
  readonly createdAt?: string;
  /** When the youngest release that names it was put beside it, ISO 8601: at its last push, whatever age its config tells. */
  readonly pushedAt?: string;
  /** It and the manifests in its index, with their sizes in bytes. */
  readonly manifests: ReadonlyMap<Digest, number>;
  /** What refers to it: signatures, releases, bills of materials, and the lists of them. */
  readonly attached: ReadonlyMap<Digest, number>;
  /** Those of `attached` that refer to a platform, not to the image itself. */
  readonly attachedToParts?: ReadonlySet<Digest>;
  /** Configs and layers of all of these. */
  readonly blobs: ReadonlyMap<Digest, number>;
  /** Why it could not be read whole. Then nothing is known of what hangs on it, and of its parts only what it says itself. */
  readonly unreadable?: string;
  /** It does not even tell its parts: any manifest of the repository may be one. */
  readonly partsUnknown?: true;
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
      return unreadableImage(top, own.sort(), messageOf(error));
    }
  });
}

/** What its own bytes tell: its parts must be left alone as long as it stays. */
function unreadableImage(top: StoredManifest, tags: readonly string[], unreadable: string): StoredImage {
  const own = new Map([[top.digest, top.bytes.length]]);
  const nothing = new Map<Digest, number>();
  const facts = { digest: top.digest, tags, attached: nothing, blobs: nothing, unreadable };
  try {
    const entries = everyEntryOf(`reading ${top.digest}`, top);
    const parts = entries.map(({ digest, size }) => [digest, size] as const);
    const inner = entries.some(({ mediaType }) => isIndex(mediaType));
    return { ...facts, manifests: new Map([...own, ...parts]), ...(inner ? { partsUnknown: true } : {}) };
  } catch {
    return { ...facts, manifests: own, partsUnknown: true };
  }
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
  const parts = isIndex(top.mediaType) ? await reading.platforms(top, manifests) : [top];
  for (const part of parts) reading.note(part);
  const attached = new Map<Digest, number>();
  const ofItself = new Set<Digest>();
  for (const subject of manifests.keys()) {
    await reading.follow((await registry.referrers(repository, subject)) ?? [], attached);
    const own = beside.filter((tag) => ATTACHED.exec(tag)?.[1] === subject.slice("sha256:".length));
    for (const tag of own) await reading.tag(tag, attached);
    // It comes first.
    if (subject === top.digest) for (const digest of attached.keys()) ofItself.add(digest);
  }
  const attachedToParts = new Set([...attached.keys()].filter((digest) => !ofItself.has(digest)));
  const createdAt = parts[0] === undefined ? undefined : await reading.createdAt(parts[0]);
  const facts = { digest: top.digest, tags, manifests, attached, attachedToParts, blobs: reading.blobs };
  const { pushedAt } = reading;
  const ages = { ...(createdAt === undefined ? {} : { createdAt }), ...(pushedAt === undefined ? {} : { pushedAt }) };
  return { ...facts, ...ages };
}

class Reading {
  readonly blobs = new Map<Digest, number>();
  #youngest: number | undefined;
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

  /** Of an index, and of the indexes in it. */
  async platforms(index: StoredManifest, sizes: Map<Digest, number>): Promise<StoredManifest[]> {
    const found = await this.follow(everyEntryOf(`reading ${index.digest}`, index), sizes);
    const all: StoredManifest[] = [];
    for (const one of found) all.push(...(isIndex(one.mediaType) ? await this.platforms(one, sizes) : [one]));
    return all;
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
    const madeAt = madeAtOf(doing, manifest, RELEASE_ARTIFACT);
    if (madeAt !== undefined) this.#youngest = Math.max(madeAt, this.#youngest ?? madeAt);
  }

  get pushedAt(): string | undefined {
    return this.#youngest === undefined ? undefined : new Date(this.#youngest).toISOString();
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
