import type { Instance, ObservedService } from "@belay/core";
import { describe, expect, it } from "vitest";
import { condition, container, instance, observed, probe, service, unready } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { earlier, judgeService, type ServiceJudgement } from "./judge-service.ts";
import type { JudgeTerms } from "./verdict.ts";

const TERMS: JudgeTerms = {
  policy: { startMs: 60_000, stableMs: 10_000, crashes: 3 },
  expect: "alone",
  stable: true,
};
const BASELINE = takeBaseline(observed([]));

function judged(
  last: ServiceJudgement | undefined,
  shown: ObservedService,
  now: number,
  more: { terms?: JudgeTerms; readings?: ReturnType<typeof probe>[] } = {},
): ServiceJudgement {
  const { terms = TERMS, readings = [] } = more;
  return judgeService(terms, BASELINE, { last, crashes: last?.crashes }, { service: shown, readings }, now);
}

const web = (...instances: Instance[]): ObservedService => service(instances, { desired: instances.length });

describe("a service that stands still", () => {
  const first = judged(judged(undefined, web(instance("a")), 0), web(instance("a")), 1_000);

  it("is not judged again", () => {
    expect(judged(first, web(instance("a")), 2_000)).toBe(first);
    expect(judged(first, structuredClone(web(instance("a"))), 900_000)).toBe(first);
  });

  it("has turned once", () => {
    const turned = judged(undefined, web(instance("a")), 0);
    expect(turned.memory.turned).toBe(true);
    expect(judged(turned, web(instance("a")), 1_000)).toBe(turned);
    expect(first.memory.turned).toBe(true);
    expect(judged(first, web(instance("a", { ready: false })), 2_000).memory.turned).toBe(false);
  });

  it.each<[string, ObservedService]>([
    ["an instance", web(instance("a", { ready: false }))],
    ["the number", service([instance("a")], { desired: 2 })],
    ["a condition", service([instance("a")], { conditions: [condition("unschedulable")] })],
  ])("is judged again when %s changes", (_what, other) => {
    expect(judged(first, other, 2_000)).not.toBe(first);
  });

  it("is judged again when it is asked for something else, or probes say something else", () => {
    const other = judged(first, web(instance("a")), 2_000, { terms: { ...TERMS, expect: "ready" } });
    expect(other).not.toBe(first);
    expect(other.terms.expect).toBe("ready");
    expect(judged(first, web(instance("a")), 2_000, { readings: [probe("failing")] })).not.toBe(first);
  });

  it("does not hold on to all that was looked at", () => {
    expect(first.shown.service).toEqual({ ...web(instance("a")), instances: [] });
  });

  it("has completed instances only when it is to complete", () => {
    const done = instance("b", {
      phase: "history",
      containers: [container({ state: "exited", lastExit: { code: 0, oomKilled: false } })],
    });
    expect(judged(first, service([instance("a"), done]), 2_000).memory).toMatchObject({ completed: 0, turned: false });
    expect(judged(first, service([instance("a"), done], { goal: "complete" }), 2_000).memory.completed).toBe(1);
  });

  it("is not copied again when only its instances have changed", () => {
    const other = judged(first, web(instance("a", { ready: false })), 2_000);
    expect(other).not.toBe(first);
    expect(other.shown).toBe(first.shown);
    const renamed = judged(first, service([instance("a")], { wantedRevision: "newer" }), 2_000);
    expect(renamed.shown.service.wantedRevision).toBe("newer");
  });

  it("is judged again when its time has come, and not before", () => {
    const slow = judged(judged(undefined, web(unready("a")), 0), web(unready("a")), 1_000);
    expect(slow.wakeAt).toBe(60_000);
    expect(judged(slow, web(unready("a")), 59_999)).toBe(slow);
    expect(judged(slow, web(unready("a")), 60_000).failure?.cause.cause).toBe("start_timeout");
  });
});

describe("the next moment to look", () => {
  const wakeAt = (shown: ObservedService, now = 1_000, more = {}) => judged(undefined, shown, now, more).wakeAt;
  const ended = (id: string) =>
    instance(id, { containers: [container({ state: "exited", lastExit: { code: 3, oomKilled: false } })] });

  it("is none when all is right", () => {
    expect(wakeAt(web(instance("a")))).toBeUndefined();
  });

  it("is when the start time of what is missing, or not ready, is over", () => {
    expect(wakeAt(service([], { desired: 1 }))).toBe(61_000);
    expect(wakeAt(web(unready("a")))).toBe(61_000);
  });

  it("is when what ended, or is complained about, has not been put right in a moment", () => {
    expect(wakeAt(web(ended("a"), unready("b")))).toBe(3_000);
    expect(wakeAt(service([instance("a")], { conditions: [condition("unschedulable")] }))).toBe(3_000);
  });

  it("is when a probe should have passed", () => {
    expect(wakeAt(web(instance("a")), 1_000, { readings: [probe("waiting")] })).toBe(61_000);
  });

  it("is the first of them that is still to come", () => {
    const first = judged(undefined, web(ended("a"), unready("b")), 0);
    expect(judged(first, web(ended("a"), unready("b")), 2_000).wakeAt).toBe(60_000);
  });
});

it("the earlier of two times is the one that is there", () => {
  expect([earlier(1, 2), earlier(2, 1), earlier(1, undefined), earlier(undefined, 2)]).toEqual([1, 1, 1, 2]);
  expect(earlier(undefined, undefined)).toBeUndefined();
  expect(earlier(0, undefined)).toBe(0);
});
