import { expect, it } from "vitest";
import { isSamePlatform } from "./is-same-platform.ts";

it.each([
  ["linux/amd64", "linux/amd64", true],
  ["linux/arm64", "linux/arm64/v8", true],
  ["linux/arm64/v8", "linux/arm64", true],
  ["linux/arm", "linux/arm/v6", true],
  ["linux/arm/v7", "linux/arm", true],
  ["linux/arm/v6", "linux/arm", false],
  ["linux/arm/v6", "linux/arm/v7", false],
  ["linux/arm", "linux/arm64", false],
  ["linux/amd64", "linux/arm64", false],
  ["windows/amd64", "linux/amd64", false],
])("an image of %s for %s: %j", (has, wanted, expected) => {
  expect(isSamePlatform(has, wanted)).toBe(expected);
});
