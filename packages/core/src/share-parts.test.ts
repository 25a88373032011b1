import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareParts } from "./share-parts.ts";

const known = { name: "a", labels: { app: "web", tier: "front" }, ports: [{ port: 80 }, { port: 443 }] };

describe("a value that shares the parts of another one", () => {
  it("is that one when nothing differs", () => {
    expect(shareParts(structuredClone(known), known)).toBe(known);
    expect(shareParts([1, null, "a"], [1, null, "a"])).toEqual([1, null, "a"]);
  });

  it("has of it what is equal", () => {
    const value = { ...structuredClone(known), name: "b" };
    const shared = shareParts(value, known);
    expect(shared).toBe(value);
    expect(shared).toEqual({ ...known, name: "b" });
    expect(shared.labels).toBe(known.labels);
    expect(shared.ports).toBe(known.ports);
    const ports = shareParts([{ port: 80 }, { port: 8443 }], known.ports);
    expect(ports).toEqual([{ port: 80 }, { port: 8443 }]);
    expect(ports[0]).toBe(known.ports[0]);
  });

  it("may come to share those of a third one, which leaves what all of them say", () => {
    const second = { name: "b", labels: structuredClone(known.labels), ports: [{ port: 80 }, { port: 1 }] };
    const shared = shareParts(shareParts({ ...structuredClone(second), name: "c" }, second), known);
    expect(shared).toEqual({ ...second, name: "c" });
    expect(shared.labels).toBe(known.labels);
    expect(second).toEqual({ name: "b", labels: known.labels, ports: [{ port: 80 }, { port: 1 }] });
    expect(second.ports[0]).toBe(known.ports[0]);
    expect(known.ports).toEqual([{ port: 80 }, { port: 443 }]);
  });

  it.each([
    ["more", { a: 1, b: 2 }, { a: 1 }],
    ["less", { a: 1 }, { a: 1, b: 2 }],
    ["another name", { a: 1 }, { b: 1 }],
    ["an empty place for one that is not there", { a: undefined }, { b: undefined }],
    ["a list for an object", [1], { 0: 1 }],
    ["an object for a list", { 0: 1 }, [1]],
    ["a longer list", [1, 2], [1]],
    ["a shorter list", [1], [1, 2]],
    ["nothing for an object", null, {}],
    ["an object for nothing", {}, null],
    ["an object for nothing known", {}, undefined],
    ["a text for an object", "a", {}],
  ])("stays what it is when it has %s", (_what, value, like) => {
    const copy = structuredClone(value);
    const shared = shareParts(value, like);
    expect(shared).toBe(value);
    expect(shared).toEqual(copy);
  });

  it("says what it said, and leaves the other one as it was", () => {
    // As it comes from a server: -0 is written as 0.
    const anyValue = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as typeof value);
    fc.assert(
      fc.property(anyValue, anyValue, fc.boolean(), (one, other, related) => {
        const value = related ? [other, { one, other }] : one;
        const like = related ? [structuredClone(other), { one: other, other: structuredClone(other) }] : other;
        const [said, was] = [JSON.stringify(value), JSON.stringify(like)];
        const shared = shareParts(JSON.parse(said), like);
        expect(shared).toEqual(JSON.parse(said));
        expect(JSON.stringify(like)).toBe(was);
      }),
    );
  });
});
