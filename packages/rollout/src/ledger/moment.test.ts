import type { Clock } from "@belay/core";
import { expect, it } from "vitest";
import { ageOf, momentOf } from "./moment.ts";

function clockAt(now: number, date: number): Clock {
  return { now: () => now, date: () => new Date(date), sleep: async () => undefined };
}

it.each([
  ["both go on", 30, 1_030, 30],
  ["the machine was suspended", 1, 61_000, 60_000],
  ["the wall clock was set back", 30, 500, 30],
])("%s", (_, now, date, age) => {
  expect(ageOf(momentOf(clockAt(0, 1_000)), clockAt(now, date))).toBe(age);
});
