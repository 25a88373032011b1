import { expect, it } from "vitest";
import { perObject } from "./per-object.ts";

it("asks once per object, and keeps `undefined` too", () => {
  const asked: object[] = [];
  const sizeOf = perObject((list: readonly number[]) => {
    asked.push(list);
    return list.length === 0 ? undefined : list.length;
  });
  const [none, two, copy] = [[], [1, 2], [1, 2]];
  expect([sizeOf(none), sizeOf(two), sizeOf(two), sizeOf(none), sizeOf(copy)]).toEqual([undefined, 2, 2, undefined, 2]);
  expect(asked).toEqual([none, two, copy]);
});
