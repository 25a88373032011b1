import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { packRecord, unpackRecord } from "./packed-record.ts";

const BYTES = new TextEncoder().encode('{"schema":"belay.ledger/v1"}');

it.each([[BYTES], [new Uint8Array()], [new Uint8Array(400_000).fill(7)]])("gives back what was packed", (bytes) => {
  expect(unpackRecord(packRecord(bytes))).toEqual(bytes);
});

it.each([
  ["no text", undefined],
  ["an empty one", ""],
  ["no gzip", Buffer.from("hello").toString("base64")],
  ["no base64", "%%%"],
  ["one that was cut", packRecord(BYTES).slice(0, -12)],
  ["one with another byte in it", gzipSync(BYTES).fill(0, 12, 16).toString("base64")],
  ["one that would fill the memory", gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString("base64")],
])("is empty for %s", (_, text) => {
  expect(unpackRecord(text)).toEqual(new Uint8Array());
});
