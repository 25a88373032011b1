import { expect, it } from "vitest";
import { spareMemory } from "./spare-memory.ts";

/** How much it helps is measured: `npm run bench simulated`. */
it("asks V8 once, at the first list of many objects", () => {
  const asked: string[] = [];
  const tell = (count: number): void => spareMemory(count, (flag) => asked.push(flag));
  for (const count of [0, 1, 1_999]) tell(count);
  expect(asked).toEqual([]);
  for (const count of [2_000, 2_001, 1, 10_000]) tell(count);
  expect(asked).toEqual(["--memory-saver-mode"]);
});
