import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { type Digest, sha256 } from "@belay/core";
import type { LayoutDescriptor } from "@belay/core/oci-layout";
import { clearLayout } from "../clear-layout.ts";
import type { ImageFile } from "./image-files.ts";

/** What a manifest says of a blob. */
export type Blob = Pick<LayoutDescriptor, "digest" | "size">;

/**
 * Writes an OCI image layout. Its files are named by the digest of what is in them, and nothing is there under a digest
 * before its content was found to have it. It is an image only once it is finished.
 */
export class LayoutWriter {
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #made = 0;

  private constructor(path: string, signal: AbortSignal | undefined) {
    this.#path = path;
    this.#signal = signal;
  }

  /** What was in the folder is removed. @throws BelayError INVALID_INPUT when that is no layout */
  static async begin(path: string, signal?: AbortSignal): Promise<LayoutWriter> {
    await clearLayout(path);
    for (const part of ["blobs/sha256", "ingest"]) await mkdir(join(path, part), { recursive: true });
    return new LayoutWriter(path, signal);
  }

  /** @throws Error ENOSPC when the disk has not so much room */
  async reserve(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#path);
    const free = bavail * bsize;
    if (bytes <= free) return;
    const message = `it has ${bytes} bytes, and ${free} are free where its image is kept`;
    throw Object.assign(new Error(message), { code: "ENOSPC" });
  }

  async put(bytes: Uint8Array): Promise<Blob> {
    const digest = sha256(bytes);
    await writeFile(this.#pathOf(digest), bytes);
    return { digest, size: bytes.byteLength };
  }

  /** @throws Error when its content is not what `blob` says */
  async copy(file: ImageFile, blob: Blob): Promise<void> {
    const { digest } = blob;
    if (file.size !== blob.size) throw wrongSize(file, blob);
    const part = this.#part();
    const seen = new Seen();
    await this.#run(file.read(), seen.pass, createWriteStream(part, { flags: "wx" }));
    if (seen.digest !== digest) throw new Error(`the blob ${digest} has other content`);
    await rename(part, this.#pathOf(digest));
  }

  /**
   * A layer as it is in an archive of `docker save`, compressed or not; uncompressed ones are compressed, since registries
   * and engines move them so.
   * @throws Error when its files are not those that the image's config names (`diffId`)
   */
  async layer(file: ImageFile, diffId: Digest): Promise<Blob> {
    const part = this.#part();
    const [plain, packed] = [new Seen(), new Seen()];
    const write = createWriteStream(part, { flags: "wx" });
    if (await isGzip(file)) {
      await this.#run(file.read(), packed.pass, write);
      await this.#run(file.read(), createGunzip(), plain.pass, ignore);
    } else await this.#run(file.read(), plain.pass, createGzip(), packed.pass, write);
    if (plain.digest !== diffId) throw new Error(`the layer ${diffId} has other content`);
    await rename(part, this.#pathOf(packed.digest));
    return { digest: packed.digest, size: packed.size };
  }

  async finish(root: LayoutDescriptor): Promise<void> {
    await rm(join(this.#path, "ingest"), { recursive: true });
    await writeFile(join(this.#path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [root] });
    await writeFile(join(this.#path, "index.json"), index);
  }

  #part(): string {
    return join(this.#path, "ingest", String(this.#made++));
  }

  #pathOf(digest: Digest): string {
    return join(this.#path, "blobs", ...digest.split(":"));
  }

  #run(...steps: readonly Step[]): Promise<void> {
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    // Its types know no functions in a list, which it takes all the same.
    return pipeline(steps as readonly NodeJS.ReadWriteStream[], options);
  }
}

export function wrongSize(file: ImageFile, { digest, size }: Blob): Error {
  return new Error(`the blob ${digest} has ${file.size} bytes and should have ${size}`);
}

type Step =
  | AsyncIterable<Uint8Array>
  | NodeJS.ReadWriteStream
  | NodeJS.WritableStream
  | ((source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> | Promise<void>);

/** What has gone through. */
class Seen {
  readonly #hash = createHash("sha256");
  size = 0;

  readonly pass = async function* (this: Seen, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      this.#hash.update(piece);
      this.size += piece.byteLength;
      yield piece;
    }
  }.bind(this);

  get digest(): Digest {
    return `sha256:${this.#hash.copy().digest("hex")}`;
  }
}

async function ignore(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of source) void piece;
}

async function isGzip(file: ImageFile): Promise<boolean> {
  for await (const piece of file.read()) return piece[0] === 0x1f && piece[1] === 0x8b;
  return false;
}
