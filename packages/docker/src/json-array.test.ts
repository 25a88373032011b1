import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonArray } from "./json-array.ts";

async function read(text: string, size = 7): Promise<unknown[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const members: unknown[] = [];
  for await (const one of jsonArray(chunks())) members.push(JSON.parse(one));
  return members;
}

describe("an array that is read member by member", () => {
  it("has the members that it has as a whole, however it is cut", async () => {
    const anyObject = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(fc.array(anyObject), fc.nat({ max: 40 }), fc.boolean(), async (list, size, wide) => {
        const text = JSON.stringify(list, undefined, wide ? 2 : 0);
        expect(await read(`${text}\n`, size + 1)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("may be empty, or nothing at all", async () => {
    expect([await read("[]\n"), await read(" [ ] "), await read("null")]).toEqual([[], [], []]);
  });

  it.each(['[{"a":1}', '[{"a":1', "", '{"message":"no"}', "[", "<html>", '[{"a":1}] and more', '[{"a":1}]]'])(
    "is none when it is %j",
    async (text) => {
      await expect(read(text)).rejects.toThrow(SyntaxError);
    },
  );
});
