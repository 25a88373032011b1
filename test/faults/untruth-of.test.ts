import type { CauseDetail, Outcome, RunningService } from "@belay/core";
import type { DeploymentResult } from "@belay/rollout";
import { expect, it } from "vitest";
import { type Look, untruthOf } from "./untruth-of.ts";

const OLD = { digests: ["sha256:old"], instances: 2 };

function ended(outcome: Outcome, running: readonly Partial<RunningService>[], cause?: CauseDetail): DeploymentResult {
  const services = running.map((one) => ({ service: "web", ...one }));
  const leftOpen = outcome === "timed_out";
  return { outcome, cause, leftOpen, report: { running: services } } as unknown as DeploymentResult;
}

function look(old: number, fresh = 0): Look {
  const seen = (digest: string, count: number) =>
    Array.from({ length: count }, () => ({ digests: [digest], healthy: true }));
  return [...seen("sha256:old", old), ...seen("sha256:new", fresh)];
}

const old = (ready: number) => ({ ready, digests: ["sha256:old"] as const });

it("a way back has not failed that led to the whole old release", () => {
  expect(untruthOf(ended("rollback_failed", [old(2)]), OLD, [look(2), look(2)])).toContain("as a whole");
  expect(untruthOf(ended("rollback_failed", [old(1)]), OLD, [look(1), look(1)])).toBeUndefined();
  const other = { ready: 2, digests: ["sha256:new"] as const };
  expect(untruthOf(ended("rollback_failed", [other]), OLD, [look(0, 2), look(0, 2)])).toBeUndefined();
});

it("what was read lies between what was seen before and after", () => {
  expect(untruthOf(ended("rolled_back", [old(1)]), OLD, [look(0), look(2)])).toBeUndefined();
  expect(untruthOf(ended("rolled_back", [old(2)]), OLD, [look(1), look(1)])).toBe(
    "it said that 2 of web are ready, and 1, then 1 were",
  );
  expect(untruthOf(ended("rolled_back", [old(2)]), OLD, [look(0, 2), look(0, 2)])).toContain("0, then 0 were");
});

it("a run that says that nothing is there is held to that, unless it says that it does not know", () => {
  expect(untruthOf(ended("rolled_back", []), OLD, [look(2), look(2)])).toContain("0 of web are ready");
  expect(untruthOf(ended("timed_out", []), OLD, [look(2), look(2)])).toBeUndefined();
  expect(untruthOf(ended("refused", [], { cause: "engine_unreachable" }), OLD, [look(2), look(2)])).toBeUndefined();
});

it("where nobody could look, nothing is compared", () => {
  expect(untruthOf(ended("rolled_back", [old(2)]), OLD, [undefined, look(0)])).toBeUndefined();
});
