import { describe, expect, it } from "vitest";
import { condition, container, instance, observed, old, probe, service, withProbes } from "../testing/observations.ts";
import { conditionKey, exitKey, hasEnded, isUp, probeKey, readyIds, takeBaseline } from "./baseline.ts";
import { wantedInstances } from "./scene.ts";

const other = service([instance("x")], { name: "db" });
const mixed = [instance("a"), instance("b", { ready: false }), old("c"), instance("d", { phase: "draining" })];
const all = { ...observed(mixed), services: [other, ...observed(mixed).services] };

describe("the baseline", () => {
  it("knows who was ready when a probe passed: current instances of that service, of any revision", () => {
    expect(readyIds(all, "web")).toEqual(["a", "c"]);
    expect(readyIds(all, "gone")).toEqual([]);
    const { passing } = takeBaseline(withProbes(all, probe("passing"), probe("failing", { title: "other" })));
    expect([...passing]).toEqual([[probeKey(probe("passing")), ["a", "c"]]]);
  });

  it("tells conditions apart by service, kind and words", () => {
    const keys = [
      conditionKey("web", condition("quota", "full")),
      conditionKey("db", condition("quota", "full")),
      conditionKey("web", condition("drifted", "full")),
      conditionKey("web", condition("quota", "fuller")),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(takeBaseline(observed([], { conditions: [condition("quota", "full")] })).conditions).toEqual(
      new Set([keys[0]]),
    );
  });

  it("takes nothing for old that somebody does meanwhile", () => {
    expect(takeBaseline(observed([], { conditions: [condition("drifted", "removed")] })).conditions.size).toBe(0);
  });

  it("tells probes apart by service, instance and title", () => {
    const one = probe("passing");
    const others = [
      { ...one, service: "db" },
      { ...one, instance: "a" },
      { ...one, instance: "b" },
      { ...one, title: "t" },
    ];
    expect(new Set([one, ...others].map(probeKey)).size).toBe(5);
    expect(probeKey(one)).toBe("web\n\nhttp GET /healthz");
  });

  it("tells exits apart by time, code and error", () => {
    const exit = (change: object) => exitKey(container({ lastExit: { code: 1, oomKilled: false, ...change } }));
    expect(exitKey(container())).toBe("");
    expect([exit({}), exit({ at: 5 }), exit({ code: 2 }), exit({ error: "no" })]).toEqual([
      "/1/",
      "5/1/",
      "/2/",
      "/1/no",
    ]);
  });

  it("calls some states an end, and others life", () => {
    const states = ["waiting", "running", "paused", "restarting", "exited", "dead"] as const;
    expect(states.filter((state) => hasEnded(container({ state })))).toEqual(["exited", "dead"]);
    expect(states.filter((state) => isUp(container({ state })))).toEqual(["running", "paused"]);
  });
});

it("the instances that are wanted are current, and of the wanted revision", () => {
  expect(wantedInstances(service(mixed)).map(({ id }) => id)).toEqual(["a", "b"]);
});
