import { open } from "node:fs/promises";
import { type Digest, sha256 } from "@belay/core";

/** Where the bytes of a blob come from. What it gives is not yet proven to be what its digest says. */
export interface BlobSource {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Bytes from `start` to before `end`; fewer where it ends sooner. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** How much of a file is in memory at a time, per upload. */
const PIECE = 512 * 1024;

export function blobOfBytes(bytes: Uint8Array): BlobSource {
  const read = async function* (start: number, end: number): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(start, end);
  };
  return { digest: sha256(bytes), size: bytes.byteLength, read };
}

/** A file that is read piece by piece, from anywhere in it. */
export function blobOfFile(path: string, digest: Digest, size: number): BlobSource {
  const read = async function* (start: number, end: number): AsyncGenerator<Uint8Array> {
    const file = await open(path);
    try {
      // With `end` one below: streams count it in, and an empty stretch can't be said.
      if (end > start) yield* file.createReadStream({ start, end: end - 1, highWaterMark: PIECE, autoClose: false });
    } finally {
      await file.close();
    }
  };
  return { digest, size, read };
}
