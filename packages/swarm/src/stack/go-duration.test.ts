import { expect, test } from "vitest";
import { goDuration } from "./go-duration.ts";

test.for([
  ["0s", 0],
  ["1m30s", 90e9],
  ["1.5s", 1.5e9],
  ["250ms", 250e6],
  ["1h0m0.5s", 3_600.5e9],
  ["10µs", 10_000],
  ["3ns", 3],
  ["-2s", -2e9],
] as const)("%s", ([text, nanoseconds]) => {
  expect(goDuration(text)).toBe(nanoseconds);
});

test.for(["", "5", "1d", "1s oops", "s"])("%j is no duration", (text) => {
  expect(() => goDuration(text)).toThrow("is no duration");
});
