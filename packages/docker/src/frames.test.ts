import fc from "fast-check";
import { expect, test } from "vitest";
import { frames } from "./frames.ts";
import { jsonLines } from "./json-lines.ts";

function frame(kind: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

async function* cut(bytes: Buffer, at: readonly number[]): AsyncGenerator<Buffer> {
  const places = [...new Set(at.map((one) => one % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [index, place] of [0, ...places].entries()) yield bytes.subarray(place, places[index] ?? bytes.length);
}

test("frames come out whole wherever the network cuts them", async () => {
  const part = fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.nat()), async (parts, places) => {
      const bytes = Buffer.concat(parts.map(([kind, payload]) => frame(kind, payload)));
      const found = await all(frames(cut(bytes, places)));
      expect(found.map((one) => [one.stream === "stderr" ? 2 : 1, new Uint8Array(one.bytes)])).toEqual(parts);
    }),
    { numRuns: 100 },
  );
});

test("a stream that is none, or that ends too early, is an error", async () => {
  await expect(all(frames(cut(Buffer.from("plain text of a tty"), [])))).rejects.toThrow("unknown frame");
  const half = frame(1, Buffer.from("abc")).subarray(0, 9);
  await expect(all(frames(cut(half, [])))).rejects.toThrow("inside a frame");
});

test("JSON lines come out whole wherever the network cuts them, in the middle of a character too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" })), fc.array(fc.nat()), async (texts, places) => {
      const bytes = Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
      expect(await all(jsonLines(cut(bytes, places)))).toEqual(texts.map((text) => ({ text })));
    }),
    { numRuns: 100 },
  );
});

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}
