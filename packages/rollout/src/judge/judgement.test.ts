import type { Observation, ObservedService } from "@belay/core";
import { describe, expect, it } from "vitest";
import { condition, container, instance, observed, service, unready } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { judge } from "./judge.ts";
import { forgive, type Judgement, openJudgement, step } from "./judgement.ts";
import type { JudgeTerms } from "./verdict.ts";

const TERMS: JudgeTerms = { policy: { startMs: 60_000, stableMs: 10_000, crashes: 3 }, expect: "alone", stable: true };
const named = (name: string, change: Partial<ObservedService> = {}) =>
  service([instance(`${name}-1`)], { name, ...change });
const shows = (...services: ObservedService[]): Observation => ({ at: 0, services, probes: [] });
const open = (...services: string[]): Judgement => openJudgement({ ...takeBaseline(observed([])), services });
const quota = (message: string) => ({ conditions: [condition("quota", message)] });

describe("several services", () => {
  it("fail by the most telling sign of all, whichever of them shows it", () => {
    const slow = named("slow", { instances: [unready("s")] });
    const ill = named("ill", quota("full"));
    for (const services of [
      [slow, ill],
      [ill, slow],
    ]) {
      const first = step(TERMS, open(), shows(slow, named("ill")), 0);
      const { verdict } = step(TERMS, first, shows(...services), 60_000);
      expect(verdict).toMatchObject({ kind: "failed", cause: { cause: "quota", service: "ill" } });
    }
  });

  it("fail by the first one when two show the same", () => {
    const { verdict } = step(TERMS, open(), shows(named("a", quota("one")), named("b", quota("two"))), 0);
    expect(verdict).toMatchObject({ cause: { service: "a", detail: "one" } });
  });

  it("are judged as far as they are asked for", () => {
    const terms = { ...TERMS, services: ["a"] };
    const one = step(terms, open(), shows(named("a"), named("b", quota("full"))), 0);
    expect([...one.memory.services.keys()]).toEqual(["a"]);
    expect(step(terms, one, shows(named("a"), named("b", quota("full"))), 10_000).verdict.kind).toBe("converged");
    const none = step({ ...TERMS, services: ["b"] }, open(), shows(named("a", quota("full")), named("b")), 0);
    expect(none.verdict.kind).toBe("progressing");
  });

  it("are waited for when the target does not show them", () => {
    const { verdict, wakeAt } = step(TERMS, open("a", "b"), shows(named("a")), 5_000);
    expect(verdict).toEqual({ kind: "progressing", waitingFor: ["b: 0 of 1 instances ready"] });
    expect(wakeAt).toBe(65_000);
  });

  it("begin the stable window anew when one of them comes or goes", () => {
    const both = shows(named("a"), named("b", { desired: 0, instances: [] }));
    const two = step(TERMS, step(TERMS, open(), both, 0), both, 5_000);
    expect(step(TERMS, two, both, 10_000).verdict.kind).toBe("converged");
    expect(step(TERMS, two, shows(named("a")), 10_000).verdict.kind).toBe("progressing");
  });
});

describe("a service that is forgiven", () => {
  const crashes = (count: number) =>
    instance("a-1", { containers: [container({ restarts: count, state: "waiting" })] });
  const failed = (): Judgement => {
    const first = step(TERMS, open(), shows(named("a"), named("b")), 0);
    return step(TERMS, first, shows(named("a", { instances: [{ ...crashes(3), ready: false }] }), named("b")), 1_000);
  };

  it("counts no more, and all others are judged on from what is known of them", () => {
    const before = failed();
    expect(before.verdict).toMatchObject({ kind: "failed", cause: { service: "a" } });
    expect([...before.memory.crashes.keys()]).toEqual(["a"]);
    const on = forgive(before, "a");
    expect(on.verdict).toEqual({ kind: "progressing", waitingFor: ["the first observation"] });
    expect([...on.memory.services.keys()]).toEqual(["b"]);
    expect(on.memory.services.get("b")).toBe(before.memory.services.get("b"));
    expect([...on.memory.crashes.keys()]).toEqual([]);
    const rest = { ...TERMS, services: ["b"] };
    const seen = shows(named("a", { instances: [crashes(4)] }), named("b"));
    const steady = step(rest, step(rest, on, seen, 2_000), seen, 12_000);
    expect(steady.verdict.kind).toBe("converged");
  });
});

describe("crashes", () => {
  const crashed = (restarts: number) =>
    shows(named("a", { instances: [instance("x", { containers: [container({ restarts })] })] }));

  it("are remembered while their service is not shown, and the same while none is added", () => {
    const once = step(TERMS, open(), crashed(1), 0);
    expect([...(once.memory.crashes.get("a")?.values() ?? [])].map(({ count }) => count)).toEqual([1]);
    const again = step(TERMS, once, crashed(1), 1_000);
    expect(again.memory.crashes).toBe(once.memory.crashes);
    const away = step({ ...TERMS, services: ["b"] }, again, shows(named("b")), 2_000);
    expect(away.memory.crashes).toBe(once.memory.crashes);
    expect(step(TERMS, away, crashed(3), 3_000).verdict).toMatchObject({
      kind: "failed",
      cause: { cause: "crash_loop" },
    });
  });

  it("make no memory where there are none", () => {
    const fine = step(TERMS, open(), shows(named("a")), 0);
    expect(fine.memory.crashes.size).toBe(0);
  });
});

it("the verdict at a time knows nothing of what was seen after it", () => {
  const seen = [
    { at: 0, observation: shows(named("a")) },
    { at: 10_000, observation: shows(named("a")) },
    { at: 20_000, observation: shows(named("a", quota("full"))) },
  ];
  const baseline = takeBaseline(observed([]));
  const at = (now: number) => judge(TERMS, { ...baseline, services: [] }, seen, now).kind;
  expect([at(9_999), at(10_000), at(19_999), at(20_000)]).toEqual(["progressing", "converged", "converged", "failed"]);
});
