import { BelayError, type Digest, type RecordStore, sha256 } from "@belay/core";
import { recordName } from "./record-names.ts";

/** Largest chunk of a snapshot, in bytes: below every store's limit (Swarm configs 500 kB documented, Secrets 1 MiB). */
export const CHUNK_BYTES = 400_000;

export interface Chunk {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** Cuts bytes into chunks, each named by its content. No bytes give no chunk. */
export function cutChunks(bytes: Uint8Array): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    const part = bytes.subarray(from, from + CHUNK_BYTES);
    chunks.push({ digest: sha256(part), bytes: part });
  }
  return chunks;
}

/**
 * Puts a snapshot together again.
 * @throws BelayError LEDGER_ERROR when a chunk is missing or its content is not what its name says.
 */
export async function readChunks(
  store: RecordStore,
  deployment: number,
  digests: readonly string[],
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const digest of digests) {
    const name = recordName.snap(deployment, digest as Digest);
    const bytes = await store.read(name);
    if (bytes === undefined || sha256(bytes) !== digest) {
      throw new BelayError("LEDGER_ERROR", {
        doing: `reading the snapshot of deployment ${deployment}`,
        got: `the record ${name} is ${bytes === undefined ? "missing" : "damaged"}`,
        next: "What ran before can't be restored from the ledger: deploy a release that is known to be good.",
      });
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
