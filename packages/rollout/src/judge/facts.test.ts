import type { ContainerState, Instance } from "@belay/core";
import { describe, expect, it } from "vitest";
import { container, instance, observed, service } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { countCrashes, exitedSinceBegin, type InstanceFacts, isComplete, rememberInstance } from "./facts.ts";

const crash = { code: 1, oomKilled: false, at: 1 };
const later = { code: 1, oomKilled: false, at: 2 };
const corpse = (change: Partial<ContainerState> = {}) => container({ state: "exited", lastExit: crash, ...change });

/** What is remembered of an instance that was looked at so often, a second apart; the first is how it was at begin. */
function remembered(atBegin: Instance | undefined, ...looks: Instance[]): InstanceFacts {
  const baseline = atBegin && takeBaseline(observed([atBegin])).instances.get("a");
  let facts: InstanceFacts | undefined;
  for (const [index, one] of looks.entries()) facts = rememberInstance(one, facts, baseline, index * 1_000);
  return facts as InstanceFacts;
}

const having = (...containers: ContainerState[]): Instance => instance("a", { containers });
const unreadyWith = (...containers: ContainerState[]): Instance => instance("a", { ready: false, containers });

describe("what is remembered of an instance", () => {
  it("is the same object while nothing of it changes", () => {
    for (const one of [having(container()), unreadyWith(corpse()), unreadyWith(container({ health: "unhealthy" }))]) {
      const first = remembered(one, one);
      expect(rememberInstance(structuredClone(one), first, first.baseline, 9_000)).toBe(first);
    }
  });

  it.each<[string, Instance, Instance, Partial<InstanceFacts>]>([
    ["it came into service", instance("a", { phase: "history" }), instance("a"), { current: true }],
    ["it became ready", instance("a", { ready: false }), instance("a"), { wasReady: true, unreadySince: undefined }],
    ["a container ended", having(container()), having(corpse()), { endedSince: 1_000 }],
    ["an ended one goes on", having(corpse()), having(container()), { endedSince: undefined }],
    ["it began anew", having(container()), unreadyWith(container({ health: "starting" })), { wasReady: false }],
    [
      "it was restarted",
      having(container()),
      unreadyWith(container({ restarts: 1 })),
      { wasReady: false, restarts: 1 },
    ],
  ])("changes when %s", (_what, before, after, expected) => {
    const first = remembered(undefined, before);
    const second = rememberInstance(after, first, undefined, 1_000);
    expect(second).not.toBe(first);
    expect(second).toMatchObject(expected);
  });

  it("changes when only its readiness before is over", () => {
    const off = instance("a", { ready: false });
    const first = remembered(undefined, instance("a"), off);
    expect(first).toMatchObject({ wasReady: true, unreadySince: 1_000 });
    const starting = unreadyWith(container({ health: "starting" }));
    expect(rememberInstance(starting, first, undefined, 5_000)).toMatchObject({ wasReady: false, unreadySince: 1_000 });
  });

  it("changes when an illness from before begin has passed", () => {
    const ill = having(container({ health: "unhealthy" }));
    const first = remembered(ill, ill);
    expect(first.unhealthyBefore).toBe(true);
    const second = rememberInstance(unreadyWith(container()), first, first.baseline, 1_000);
    expect(second.unhealthyBefore).toBe(false);
    expect(rememberInstance(ill, second, first.baseline, 2_000).unhealthyBefore).toBe(false);
  });

  it("counts the restarts of all containers together", () => {
    const one = having(container({ restarts: 2 }), container({ name: "proxy", restarts: 3 }));
    expect(remembered(undefined, one).restarts).toBe(5);
  });

  it("holds each container's restarts from before begin, and fewer when the engine counts anew", () => {
    const two = (restarts: number) => having(container({ restarts }), container({ name: "proxy", restarts: 1 }));
    const uncounted = (facts: InstanceFacts) => facts.containers.map((one) => one.uncounted);
    // Nothing is left over of one that came later, or was well.
    expect(uncounted(remembered(undefined, two(3)))).toEqual([]);
    expect(uncounted(remembered(having(container()), having(container()), two(3)))).toEqual([]);
    expect(remembered(undefined, two(3), two(0)).restarts).toBe(1);
    expect(uncounted(remembered(two(3), two(3)))).toEqual([3, 1]);
    expect(uncounted(remembered(two(3), two(3), two(5)))).toEqual([3, 1]);
    expect(uncounted(remembered(two(3), two(3), two(0), two(2)))).toEqual([0, 1]);
  });

  it("takes in a container that is added, and forgets one that is gone", () => {
    const names = (facts: InstanceFacts) => facts.containers.map(({ name }) => name);
    const both = having(container(), container({ name: "proxy" }));
    const begun = having(container({ restarts: 1 }));
    expect(names(remembered(begun, begun, both))).toEqual(["main", "proxy"]);
    expect(names(remembered(begun, both, having(container())))).toEqual(["main"]);
    expect(names(remembered(begun, begun, having(container({ name: "proxy" }))))).toEqual(["proxy"]);
  });

  it("knows a corpse from before begin until it moves or dies once more", () => {
    const dead = unreadyWith(corpse());
    const down = (...looks: Instance[]) => remembered(dead, ...looks).containers[0]?.downBefore;
    expect(down(dead)).toBe(true);
    expect(down(dead, dead)).toBe(true);
    expect(down(dead, having(container()))).toBe(false);
    expect(down(dead, having(container()), dead)).toBe(false);
    expect(down(unreadyWith(corpse({ lastExit: later })))).toBe(false);
    expect(remembered(having(container({ restarts: 1 })), dead).containers[0]?.downBefore).toBe(false);
    expect(remembered(undefined, dead).containers).toEqual([]);
  });
});

describe("a container's end", () => {
  const known = { name: "main", uncounted: 2, downBefore: false };

  it("came after begin unless it was there", () => {
    expect(exitedSinceBegin(corpse(), undefined)).toBe(true);
    expect(exitedSinceBegin(corpse(), known)).toBe(true);
    expect(exitedSinceBegin(corpse(), { ...known, downBefore: true })).toBe(false);
    expect(exitedSinceBegin(container({ restarts: 2 }), known)).toBe(false);
    expect(exitedSinceBegin(container({ restarts: 3 }), known)).toBe(true);
    expect(exitedSinceBegin(container({ restarts: 1 }), undefined)).toBe(true);
    expect(exitedSinceBegin(container(), undefined)).toBe(false);
  });

  const crashes = (
    one: ContainerState,
    facts: Parameters<typeof countCrashes>[3] = known,
    more: Partial<Instance> = {},
    goal: "run" | "complete" = "run",
  ) => countCrashes(service([], { goal }), instance("a", more), one, facts);

  it("counts as a crash by its restarts since begin and by its corpse", () => {
    expect(crashes(container({ restarts: 5 }))).toBe(3);
    expect(countCrashes(service([]), instance("a"), container({ restarts: 1 }), undefined)).toBe(1);
    expect(countCrashes(service([]), instance("a"), corpse(), undefined)).toBe(1);
    expect(crashes(corpse({ restarts: 5 }))).toBe(4);
    expect(crashes(corpse({ restarts: 2 }), { ...known, downBefore: true })).toBe(0);
  });

  it("is no crash of its own when somebody else ended it", () => {
    expect(crashes(corpse({ restarts: 2 }), known, { endedBy: "self" })).toBe(1);
    expect(crashes(corpse({ restarts: 2 }), known, { endedBy: "engine" })).toBe(0);
    expect(crashes(corpse({ restarts: 2 }), known, { endedBy: "node" })).toBe(0);
  });

  it("counts while the engine backs off, and only then for one that waits", () => {
    const waiting = (reason: string, state: ContainerState["state"] = "waiting") =>
      crashes(container({ restarts: 2, reason, state, lastExit: crash }));
    expect(waiting("CrashLoopBackOff")).toBe(1);
    expect(waiting("ContainerCreating")).toBe(0);
    expect(waiting("CrashLoopBackOff", "running")).toBe(0);
  });

  it("is a good one when the work is done", () => {
    const done = corpse({ restarts: 2, lastExit: { code: 0, oomKilled: false } });
    expect(crashes(done)).toBe(1);
    expect(crashes(done, known, {}, "complete")).toBe(0);
    expect(crashes({ ...done, role: "init" })).toBe(0);
    expect(crashes({ ...done, role: "sidecar" })).toBe(1);
    expect(crashes(corpse({ restarts: 2, role: "init" }))).toBe(1);
  });
});

it("an instance is complete when all its main containers ended well, whatever stands beside them", () => {
  const done = container({ state: "exited", lastExit: { code: 0, oomKilled: false } });
  expect(isComplete(having(done))).toBe(true);
  expect(isComplete(having(done, container({ name: "proxy", role: "sidecar" })))).toBe(true);
  expect(isComplete(having(done, container({ name: "other" })))).toBe(false);
  expect(isComplete(having(corpse()))).toBe(false);
  expect(isComplete(having())).toBe(false);
  expect(isComplete(having({ ...done, role: "init" }))).toBe(false);
});
