import { createHash } from "node:crypto";
import { BelayError, type Digest, messageOf } from "@belay/core";
import type { BlobSource } from "./blob-source.ts";

/** Reads a blob in stretches, forwards or once more, and tells in the end whether it is the one that its digest names. */
export class CheckedBlob {
  readonly #source: BlobSource;
  #hash = createHash("sha256");
  /** How far the hash has come. */
  #at = 0;
  /** Number of the stretch that is being read: one that was given up may still be waiting for its file. */
  #stretch = 0;

  constructor(source: BlobSource) {
    this.#source = source;
  }

  /** @throws BelayError RELEASE_INVALID when the source has fewer bytes, or can't be read */
  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const stretch = ++this.#stretch;
    if (start < this.#at) {
      this.#hash = createHash("sha256");
      this.#at = 0;
    }
    try {
      for await (const piece of this.#source.read(this.#at, end)) {
        if (stretch !== this.#stretch) return;
        const before = this.#at;
        this.#hash.update(piece);
        this.#at += piece.byteLength;
        if (this.#at > start) yield piece.subarray(Math.max(0, start - before));
      }
    } catch (error) {
      throw this.#broken(messageOf(error), error);
    }
    if (this.#at !== end) throw this.#broken(`it has ${this.#at} bytes and should have ${this.#source.size}`);
  }

  /**
   * Reads what no stretch has read so far.
   * @throws BelayError RELEASE_INVALID when the content is not what the digest says
   */
  async finish(): Promise<void> {
    for await (const piece of this.read(this.#at, this.#source.size)) void piece;
    const digest: Digest = `sha256:${this.#hash.copy().digest("hex")}`;
    if (digest !== this.#source.digest) throw this.#broken(`its content is ${digest}`);
    for await (const piece of this.#source.read(this.#source.size, this.#source.size + 1)) {
      if (piece.byteLength > 0) throw this.#broken("it has more bytes than it should");
    }
  }

  #broken(got: string, cause?: unknown): BelayError {
    const doing = `reading the blob ${this.#source.digest}`;
    return new BelayError("RELEASE_INVALID", { doing, got, next: "It was changed: build the image again.", cause });
  }
}
