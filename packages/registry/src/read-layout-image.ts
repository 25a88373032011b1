import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, type Digest, messageOf, readJobBytes, sha256 } from "@belay/core";
import { type LayoutDescriptor, readLayout } from "@belay/core/oci-layout";
import { type BlobSource, blobOfFile } from "./blob-source.ts";
import { blobsOf, type Descriptor, entriesOf, isIndex, type ResolvedImage, type StoredManifest } from "./manifest.ts";

/** An image on disk, as it would be served. */
export interface LayoutImage {
  /** Without a repository: that is the release's to say. */
  readonly identity: Pick<ResolvedImage, "digest" | "index" | "platforms">;
  /** Each manifest and index, what it names before itself; the last one is what a tag names. Attestations are among them. */
  readonly manifests: readonly StoredManifest[];
  /** Configs and layers, each once. */
  readonly blobs: readonly BlobSource[];
}

/** Larger manifests are taken by no registry (distribution spec asks for 4 MiB at least). */
const LARGEST_MANIFEST = 16 * 1024 * 1024;
/** As `readLayout`. */
const DEEPEST = 3;

/**
 * What is to be pushed of an image layout. Manifests are read and checked against their digests; of blobs only that they
 * are there with the right size, their content is checked when it is read for the upload.
 * @throws BelayError RELEASE_INVALID when something is missing or was changed, or when it holds several images
 */
export async function readLayoutImage(path: string): Promise<LayoutImage> {
  const doing = `reading the image layout ${path}`;
  const { roots, entries } = await readLayout(path);
  const [root, ...others] = roots;
  if (root === undefined || others.some(({ digest }) => digest !== root.digest)) {
    const got = `it holds ${new Set(roots.map(({ digest }) => digest)).size} images`;
    throw new BelayError("RELEASE_INVALID", { doing, got, next: "Build one image per service." });
  }
  const found = new Graph(path, doing);
  try {
    await found.add(root, DEEPEST);
  } catch (error) {
    throw new BelayError("RELEASE_INVALID", {
      doing,
      got: messageOf(error),
      next: "Build the image again.",
      cause: error,
    });
  }
  const platforms = entries.map(({ platform, manifest, config }) => [platform, { config, manifest }] as const);
  return {
    identity: {
      digest: root.digest,
      platforms: Object.fromEntries(platforms),
      ...(isIndex(root.mediaType) ? { index: root.digest } : {}),
    },
    manifests: [...found.manifests.values()],
    blobs: [...found.blobs.values()],
  };
}

class Graph {
  readonly manifests = new Map<Digest, StoredManifest>();
  readonly blobs = new Map<Digest, BlobSource>();
  readonly #path: string;
  readonly #doing: string;

  constructor(path: string, doing: string) {
    this.#path = path;
    this.#doing = doing;
  }

  async add(descriptor: LayoutDescriptor | Descriptor, depth: number): Promise<void> {
    const { digest, mediaType, size } = descriptor;
    if (this.manifests.has(digest)) return;
    if (depth < 0) throw new Error("its indexes are nested too deep");
    if (size > LARGEST_MANIFEST) throw new Error(`the manifest ${digest} is larger than ${LARGEST_MANIFEST} bytes`);
    const bytes = await readJobBytes(this.#fileOf(digest), LARGEST_MANIFEST, this.#path);
    if (sha256(bytes) !== digest) throw new Error(`the manifest ${digest} has other content`);
    const manifest: StoredManifest = { digest, mediaType, bytes };
    if (isIndex(mediaType)) {
      for (const entry of entriesOf(this.#doing, manifest)) await this.add(entry, depth - 1);
    } else {
      for (const blob of blobsOf(this.#doing, manifest)) await this.#addBlob(blob);
    }
    // After what it names: registries refuse a manifest whose parts they don't have.
    this.manifests.set(digest, manifest);
  }

  async #addBlob({ digest, size, urls }: Descriptor): Promise<void> {
    if (this.blobs.has(digest)) return;
    const file = this.#fileOf(digest);
    // What a link leads to would be sent before anybody sees that it is something else.
    const found = await lstat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    // Layers of Windows that only their maker may distribute are fetched from there.
    if (found === undefined && urls !== undefined) return;
    if (found?.isFile() === false) throw new Error(`the blob ${digest} is no file`);
    if (found?.size !== size) {
      throw new Error(`the blob ${digest} has ${found?.size ?? "no"} bytes and should have ${size}`);
    }
    this.blobs.set(digest, blobOfFile(file, digest, size));
  }

  #fileOf(digest: Digest): string {
    return join(this.#path, "blobs", ...digest.split(":"));
  }
}
