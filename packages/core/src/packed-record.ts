import { gunzipSync, gzipSync } from "node:zlib";

/** Far above the largest record (a chunk of a snapshot, 400 kB), in bytes. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A record's bytes as text, for stores that keep text: gzipped, in base64. */
export function packRecord(bytes: Uint8Array): string {
  return gzipSync(bytes).toString("base64");
}

/**
 * The bytes of {@link packRecord}. Empty for what is none of its texts, is damaged or would become larger than any record:
 * such a record stands without content that can be read (docs/ledger.md), and must not keep its environment closed.
 */
export function unpackRecord(text: string | undefined): Uint8Array {
  if (text === undefined) return new Uint8Array();
  try {
    return new Uint8Array(gunzipSync(Buffer.from(text, "base64"), { maxOutputLength: MOST_BYTES }));
  } catch (error) {
    // What zlib says of its input has a code: Z_DATA_ERROR, Z_BUF_ERROR, ERR_BUFFER_TOO_LARGE.
    if (error instanceof Error && "code" in error) return new Uint8Array();
    throw error;
  }
}
