import type { Instance } from "@belay/core";
import { describe, expect, it } from "vitest";
import { container, instance, observed, old, service } from "../testing/observations.ts";
import { takeBaseline } from "./baseline.ts";
import { type KnownInstance, type KnownInstances, knownInstances, NOBODY } from "./known-instances.ts";

const baseline = takeBaseline(observed([]));
const isAtRest = ({ atRest }: KnownInstance): boolean => atRest;

function look(before: KnownInstances, instances: readonly Instance[], wantedRevision = "new", now = 0): KnownInstances {
  return knownInstances(service(instances, { wantedRevision }), before, baseline, now);
}

function copies(instances: readonly Instance[]): Instance[] {
  return structuredClone([...instances]);
}

const ill = instance("c", {
  ready: false,
  containers: [container({ state: "exited", lastExit: { code: 1, oomKilled: false } })],
});
const all = [instance("a"), old("b"), ill, instance("d", { phase: "draining" })];

describe("instances that are looked at once more", () => {
  it("are what is known already when none has changed, kept or copied", () => {
    const first = look(NOBODY, all);
    expect(look(first, all)).toBe(first);
    expect(look(first, copies(all), "new", 9)).toBe(first);
  });

  it("are not looked into when the target has kept them", () => {
    const kept = [instance("a"), ill].map((one) => ({ ...one }));
    const first = look(NOBODY, kept);
    for (const one of kept) {
      Object.defineProperty(one, "containers", {
        get: () => {
          throw new Error("it was looked into");
        },
      });
    }
    expect(look(first, kept)).toBe(first);
    expect(look(first, [...kept, instance("b")]).list.slice(0, 2)).toEqual(first.list);
  });

  it("are found wherever they were", () => {
    const all = ["a", "b", "c", "d", "e"].map((id) => instance(id));
    const first = look(NOBODY, all);
    const known = (id: string) => first.list.find((one) => one.id === id);
    for (const ids of ["edcba", "bcdea", "eabcd", "vwxyza", "ace", "e"]) {
      const seen = look(
        first,
        [...ids].map((id) => instance(id)),
      );
      for (const [place, id] of [...ids].entries()) {
        if (known(id) !== undefined) expect(seen.list[place], `${id} of ${ids}`).toBe(known(id));
      }
    }
  });

  it("are not asked what they are called when they are at rest", () => {
    const first = look(NOBODY, [instance("a")]);
    const copy = instance("a");
    Object.defineProperty(copy, "title", {
      get: () => {
        throw new Error("it was asked");
      },
    });
    expect(look(first, [copy])).toBe(first);
  });

  it("have those containers fresh that ended since begin, and no others", () => {
    const dead = container({
      name: "proxy",
      role: "sidecar",
      state: "exited",
      lastExit: { code: 1, oomKilled: false },
    });
    const { list } = look(NOBODY, [instance("a", { containers: [container(), dead] })]);
    expect(list[0]?.fresh).toEqual([dead]);
  });

  it("go by what they were like at begin only until something else is known of them", () => {
    const restarted = instance("a", { containers: [container({ restarts: 4 })] });
    const begun = takeBaseline(observed([restarted]));
    const looks = [restarted, instance("a", { containers: [container({ restarts: 0 })] }), restarted];
    let known = NOBODY;
    for (const one of looks) known = knownInstances(service([one]), known, begun, 0);
    expect(known.list[0]?.facts?.containers[0]?.uncounted).toBe(0);
    expect(known.list[0]?.facts?.baseline).toBe(begun.instances.get("a"));
  });

  it("are known only as restless while they are: one that comes to rest is news", () => {
    const first = look(NOBODY, [
      instance("a", { containers: [container(), container({ name: "b", state: "exited" })] }),
    ]);
    const second = look(first, [instance("a", { containers: [container(), container({ name: "b" })] })]);
    expect(first.list.every(isAtRest)).toBe(false);
    expect(second.list.every(isAtRest)).toBe(true);
  });

  it("are known one by one: only what has changed is new", () => {
    const first = look(NOBODY, all);
    const second = look(first, [...copies(all).slice(0, 3), { ...(all[3] as Instance), phase: "history" }]);
    expect(second.list.slice(0, 3)).toEqual(first.list.slice(0, 3));
    for (const place of [0, 1, 2]) expect(second.list[place]).toBe(first.list[place]);
    expect(second.list[3]).not.toBe(first.list[3]);
  });

  it("are found again wherever the engine lists them", () => {
    const first = look(NOBODY, all);
    const second = look(first, [instance("new"), ...copies(all).reverse()]);
    expect(second.list.slice(1)).toEqual([...first.list].reverse());
    for (const place of [0, 1, 2, 3]) expect(second.list[place + 1]).toBe(first.list[3 - place]);
  });

  it("are found again among many", () => {
    const many = Array.from({ length: 40 }, (_, index) => instance(`${index}`));
    const first = look(NOBODY, many);
    const second = look(first, [instance("new"), ...copies(many).reverse().slice(1)]);
    expect(second.list[0]?.id).toBe("new");
    for (const [place, one] of second.list.slice(1).entries()) expect(one).toBe(first.list[38 - place]);
  });

  it("keep what is remembered of one that has moved and changed", () => {
    const first = look(NOBODY, [instance("a"), ill]);
    const second = look(first, [{ ...ill, title: "renamed" }, instance("a")], "new", 5_000);
    expect(second.list[0]?.facts).toBe(first.list[1]?.facts);
    expect(second.list[0]?.instance.title).toBe("renamed");
  });

  it("are fewer when some are gone", () => {
    const first = look(NOBODY, all);
    expect(look(first, all.slice(0, 2)).list).toEqual(first.list.slice(0, 2));
    expect(look(first, all.slice(2)).list).toEqual(first.list.slice(2));
    expect(look(first, []).list).toEqual([]);
  });

  it("are more when some have come", () => {
    const first = look(NOBODY, all.slice(0, 2));
    const second = look(first, all);
    expect(second.list.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
    expect(second.list[0]).toBe(first.list[0]);
  });

  it("tell of another revision when another one is wanted, even as the same objects", () => {
    const first = look(NOBODY, all, "new");
    expect(first.list.map(({ facts }) => facts !== undefined)).toEqual([true, false, true, false]);
    const back = look(first, all, "old");
    expect(back.list.map(({ facts }) => facts !== undefined)).toEqual([false, true, false, false]);
    expect(look(back, all, "old")).toBe(back);
    expect(look(look(NOBODY, []), [], "old").wantedRevision).toBe("old");
  });

  it.each<[string, Instance]>([
    ["revision of one that may serve", old("b", { revision: "older" })],
    ["readiness", old("b", { ready: false })],
    ["health", old("b", { containers: [container({ health: "unhealthy" })] })],
    ["phase", old("b", { phase: "history" })],
  ])("are news by the %s, of another revision too", (_what, other) => {
    const first = look(NOBODY, [old("b")]);
    expect(look(first, [other]).list[0]?.instance).toBe(other);
  });

  it("are no news by what is told of those that are out of service, or at rest", () => {
    const first = look(NOBODY, [old("b", { phase: "history" }), instance("a")]);
    expect(look(first, [old("b", { phase: "history", revision: "older" }), instance("a", { title: "renamed" })])).toBe(
      first,
    );
  });

  it("are news by every word of one that is not at rest", () => {
    const first = look(NOBODY, [ill]);
    const other = { ...ill, title: "renamed" };
    expect(look(first, [other]).list[0]?.instance).toBe(other);
  });
});

describe("instances are counted", () => {
  const counts = ({ current, wanted, ready }: KnownInstances) => ({ current, wanted, ready });
  const gone = instance("e", { phase: "history" });

  it("by whether they may serve, are of the wanted revision, and are ready", () => {
    const known = look(NOBODY, [...all, gone, instance("f")]);
    expect(counts(known)).toEqual({ current: 4, wanted: 3, ready: 2 });
    expect(counts(look(known, all))).toEqual({ current: 3, wanted: 2, ready: 1 });
    expect(counts(look(known, [...all, gone], "old"))).toEqual({ current: 3, wanted: 1, ready: 1 });
    expect(counts(NOBODY)).toEqual({ current: 0, wanted: 0, ready: 0 });
  });

  it("and told apart from those that have something to tell", () => {
    const known = look(NOBODY, [
      ...all,
      gone,
      { ...ill, id: "f", phase: "history" },
      { ...ill, id: "g", revision: "old" },
    ]);
    expect(known.telling).toEqual([known.list[2], known.list[5]]);
    expect(look(known, [instance("a")]).telling).toEqual([]);
    expect(NOBODY.telling).toEqual([]);
  });
});

describe("an instance at rest", () => {
  const pod = (init: Parameters<typeof container>[0]): Instance =>
    instance("a", { containers: [container({ name: "init", role: "init", state: "exited", ...init }), container()] });
  const rests = (one: Instance): boolean => look(NOBODY, [one]).list.every(isAtRest);

  it("is ready, and what initialised it has done its work", () => {
    expect(rests(instance("a"))).toBe(true);
    expect(rests(pod({ lastExit: { code: 0, oomKilled: false } }))).toBe(true);
  });

  it.each<[string, Instance]>([
    ["is not ready", instance("a", { ready: false })],
    ["is ill", instance("a", { containers: [container({ health: "unhealthy" })] })],
    ["was restarted", instance("a", { containers: [container({ restarts: 1 })] })],
    ["has a container that ended", instance("a", { containers: [container({ state: "exited" }), container()] })],
    ["was not initialised", pod({ lastExit: { code: 1, oomKilled: false } })],
    ["has one that shows no end", pod({})],
    ["ran out of memory while it was initialised", pod({ lastExit: { code: 0, oomKilled: true } })],
    ["could not start what initialises it", pod({ lastExit: { code: 0, oomKilled: false, error: "no such file" } })],
    ["had it killed", pod({ lastExit: { code: 0, oomKilled: false, killedBy: "startup probe" } })],
    ["says why it waits", pod({ reason: "ImagePullBackOff", lastExit: { code: 0, oomKilled: false } })],
    ["still initialises", pod({ state: "waiting", lastExit: { code: 0, oomKilled: false } })],
    ["was initialised by what should go on", pod({ role: "sidecar", lastExit: { code: 0, oomKilled: false } })],
  ])("is none that %s", (_what, one) => {
    expect(rests(one)).toBe(false);
  });
});

describe("a look turns", () => {
  const turned = (before: KnownInstances, ...after: Instance[]): boolean => look(before, after).turned;

  it("when a current instance of the wanted revision came, came back or was restarted", () => {
    expect(turned(NOBODY, instance("a"))).toBe(true);
    expect(turned(look(NOBODY, [instance("a", { phase: "history" })]), instance("a"))).toBe(true);
    expect(turned(look(NOBODY, [instance("a")]), instance("a", { containers: [container({ restarts: 1 })] }))).toBe(
      true,
    );
    expect(turned(look(NOBODY, [instance("a")]), instance("a"), instance("b"))).toBe(true);
    expect(turned(look(NOBODY, [instance("a")]), instance("b"), instance("a", { ready: false }))).toBe(true);
  });

  it("not when one of another revision came, one went, or one became ready", () => {
    expect(turned(NOBODY, old("a"))).toBe(false);
    expect(turned(NOBODY, instance("a", { phase: "history" }))).toBe(false);
    expect(turned(look(NOBODY, [instance("a"), instance("b")]), instance("b"))).toBe(false);
    expect(turned(look(NOBODY, [instance("a", { ready: false })]), instance("a"))).toBe(false);
    expect(turned(look(NOBODY, [instance("a")]), instance("a", { phase: "history" }))).toBe(false);
  });
});
