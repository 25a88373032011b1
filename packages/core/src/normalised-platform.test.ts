import { expect, it } from "vitest";
import { normalisedPlatform } from "./normalised-platform.ts";

it.each([
  ["linux/amd64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["linux/x86_64", "linux/amd64"],
  ["linux/i386", "linux/386"],
  ["linux/arm64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm64/8", "linux/arm64"],
  ["linux/arm64/v9.0", "linux/arm64/v9"],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/7", "linux/arm/v7"],
  ["linux/arm/v7", "linux/arm/v7"],
  ["linux/arm/v6", "linux/arm/v6"],
  ["linux/armhf", "linux/arm/v7"],
  ["linux/armel", "linux/arm/v6"],
  ["Linux/ARM64", "linux/arm64"],
  ["linux/riscv64", "linux/riscv64"],
  ["windows/amd64", "windows/amd64"],
  ["unknown/unknown", "unknown/unknown"],
])("%s is %s", (platform, expected) => {
  expect(normalisedPlatform(platform)).toBe(expected);
  expect(normalisedPlatform(expected)).toBe(expected);
});
