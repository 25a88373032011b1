import type { Instance, Observation } from "@belay/core";
import { expect, it } from "vitest";
import { container, instance, observed, old, unready } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { openJudgement, step } from "./judgement.ts";
import { lateReasons } from "./late-reasons.ts";
import type { JudgeTerms } from "./verdict.ts";

const TERMS: JudgeTerms = { policy: { startMs: 60_000, stableMs: 5_000, crashes: 9 }, expect: "alone", stable: true };
const two = (...instances: Instance[]): Observation => observed(instances, { desired: 2 });
const restarted = (id: string): Instance => instance(id, { containers: [container({ restarts: 1 })] });

/** What is told after these looks, one a second. */
function toldAfter(...seen: Observation[]): readonly string[] {
  const open = openJudgement(takeBaseline(observed([old("o1")])));
  return lateReasons(seen.reduce((before, one, second) => step(TERMS, before, one, second * 1_000), open));
}

const FULL = two(instance("1"), instance("2"));

it.each<[string, readonly Observation[], readonly string[]]>([
  ["nothing of a service that only came up", [two(instance("1"), old("o1")), FULL, FULL], []],
  ["nothing of those that come up one by one", [two(), two(instance("1")), FULL], []],
  [
    "each one that came and went, and how often",
    [FULL, two(instance("2"), instance("3")), two(instance("2"), instance("3")), two(instance("3"), instance("4"))],
    ["web: after all its instances were there, 2 came (the last: web-4), 2 went (the last: web-2)"],
  ],
  [
    "one that went and was replaced later",
    [FULL, two(instance("2")), two(instance("2"), unready("5"))],
    ["web: after all its instances were there, 1 came (web-5), 1 went (web-1)"],
  ],
  [
    "one that was restarted",
    [FULL, two(instance("1"), restarted("2"))],
    ["web: after all its instances were there, 1 restarted (web-2)"],
  ],
  [
    "one that was restarted, but nothing of old ones that come and go beside it",
    [two(instance("1"), instance("2"), old("o1")), two(instance("1"), restarted("2"), old("o2"))],
    ["web: after all its instances were there, 1 restarted (web-2)"],
  ],
  [
    "how often one was restarted that is looked at again and again",
    [FULL, two(instance("1"), restarted("2")), two(instance("1"), restarted("2")), two(restarted("1"), restarted("2"))],
    ["web: after all its instances were there, 2 restarted (the last: web-1)"],
  ],
  ["nothing of old ones that go", [two(instance("1"), instance("2"), old("o1")), FULL], []],
  [
    "those of another revision that are not ready",
    [two(instance("1"), ...["o1", "o2", "o3", "o4"].map((id) => old(id, { ready: false, containers: [] })), old("o5"))],
    ["web: not ready and of another revision, which may hold it up: web-o1, web-o2, web-o3 and 1 more"],
  ],
])("tells %s", (_what, seen, told) => {
  expect(toldAfter(...seen)).toEqual(told);
});
