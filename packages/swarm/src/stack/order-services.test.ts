import fc from "fast-check";
import { expect, test } from "vitest";
import { orderServices } from "./order-services.ts";

test("names all that a service waits for", () => {
  const { waitsFor, circles } = orderServices({ web: ["api", "gone"], api: ["db"], db: [] });
  expect(waitsFor.get("web")).toEqual(["api", "db"]);
  expect(circles).toEqual([]);
});

test("cuts circles and names the edge", () => {
  const { waitsFor, circles } = orderServices({ a: ["b"], b: ["c"], c: ["a"], self: ["self"] });
  expect(circles).toEqual(["c → a", "self → self"]);
  expect(waitsFor.get("a")).toEqual(["b", "c"]);
  expect(waitsFor.get("c")).toEqual([]);
});

test("never leaves a circle", () => {
  const names = ["a", "b", "c", "d", "e"];
  const graph = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray(names)])));
  fc.assert(
    fc.property(graph, (dependsOn) => {
      const { waitsFor } = orderServices(dependsOn);
      for (const [name, others] of waitsFor) {
        for (const other of others) expect(waitsFor.get(other)).not.toContain(name);
      }
    }),
  );
});
