import type { BeginRecord, EndRecord, StopRecord } from "./records.ts";

/** The bytes of a begin, end or stop record: JSON, so that a person can read them with the engine's own tools. */
export function encodeRecord(record: BeginRecord | EndRecord | StopRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record), "utf8");
}

/** `undefined` for a record without content, or with content that this version does not know. */
export function decodeBegin(bytes: Uint8Array | undefined): BeginRecord | undefined {
  const value = parse(bytes);
  return value !== undefined && "intent" in value ? (value as unknown as BeginRecord) : undefined;
}

/** `undefined` for a record without content, or with content that this version does not know. */
export function decodeEnd(bytes: Uint8Array | undefined): EndRecord | undefined {
  const value = parse(bytes);
  return value !== undefined && "outcome" in value ? (value as unknown as EndRecord) : undefined;
}

/** `undefined` for a record without content, or with content that this version does not know. */
export function decodeStop(bytes: Uint8Array | undefined): StopRecord | undefined {
  const value = parse(bytes);
  return value !== undefined && "askedAt" in value ? (value as unknown as StopRecord) : undefined;
}

function parse(bytes: Uint8Array | undefined): Record<string, unknown> | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    // Damaged content means the same as none: "claimed by unknown" (docs/ledger.md).
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const known = typeof value === "object" && value !== null && "schema" in value && value.schema === "belay.ledger/v1";
  return known ? (value as Record<string, unknown>) : undefined;
}
