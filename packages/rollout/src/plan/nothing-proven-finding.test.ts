import { changePermit, type RolloutPolicy } from "@belay/core";
import { expect, it } from "vitest";
import { current } from "../ledger/history.ts";
import { POLICY, releaseOf, SimWorld } from "../testing/sim-world.ts";
import { nothingProvenFinding } from "./nothing-proven-finding.ts";

/** What a plan says of `v2`; `v1` was deployed before, and `web` of it was ill if it is `bad`. */
async function planned(v1: "good" | "bad", policy: Partial<RolloutPolicy> = {}, then = v1) {
  const world = new SimWorld();
  const behave = (is: typeof v1) =>
    world.engine.behaviours.set("web-v1", is === "bad" ? { kind: "never ready" } : { kind: "good", startMs: 0 });
  behave(v1);
  await world.runner("first").deploy("v1");
  behave(then);
  const { target, ports } = world.runner("second");
  const observe = target.observe.bind(target);
  const mayChange: boolean[] = [];
  target.observe = (...asked) => {
    mayChange.push(isAllowed());
    return observe(...asked);
  };
  const find = async () => {
    const release = releaseOf("v2");
    const [before, plan] = await Promise.all([current(target.store), target.plan(release)]);
    return nothingProvenFinding(ports, { before, plan, release, policy: { ...POLICY, ...policy } });
  };
  const finding = await world.time.run(find(), 3_600_000);
  return { finding, mayChange };
}

function isAllowed(): boolean {
  try {
    changePermit()();
    return true;
  } catch {
    return false;
  }
}

it("tells that nothing proven is there to go back to, and looks without changing anything", async () => {
  const { finding, mayChange } = await planned("bad");
  expect(finding).toMatchObject({ level: "warn", check: "nothing_proven", service: "web" });
  expect(finding?.message).toContain("deployment 1 failed, was kept and is not right");
  expect(finding?.remedy).toContain("it stays");
  expect(mayChange).toEqual([false]);
});

it.each<[Partial<RolloutPolicy>, string]>([
  [{ onFirstFailure: "remove" }, "comes back, no better than it is"],
  [{ onFailure: "keep" }, "it stays (on-failure: keep)"],
])("says what a failure would lead to with %o", async (policy, remedy) => {
  expect((await planned("bad", policy)).finding?.remedy).toContain(remedy);
});

it.each(["good", "bad"] as const)(
  "says nothing where what runs is right, though the first one was %s",
  async (first) => {
    expect((await planned(first, {}, "good")).finding).toBeUndefined();
  },
);
