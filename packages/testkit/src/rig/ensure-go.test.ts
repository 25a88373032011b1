import { expect, test } from "vitest";
import { isAtLeast } from "./ensure-go.ts";

test.each([
  ["1.26.8", "1.26", true],
  ["1.26", "1.26.0", true],
  ["1.27.0", "1.26.9", true],
  ["2.0", "1.99", true],
  ["1.9.9", "1.26", false],
  ["1.26.1", "1.26.2", false],
  ["devel", "1.0", false],
])("Go %s for %s: %s", (found, wanted, enough) => {
  expect(isAtLeast(found, wanted)).toBe(enough);
});
