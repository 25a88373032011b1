import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import { leave } from "../testing/leave.ts";
import type { Behaviour } from "../testing/sim-engine.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";
import { recover } from "./recover.ts";

const IS_BACK = {
  level: "warn",
  check: "nothing_proven",
  service: "web",
  remedy: expect.stringContaining("no better"),
};
const LIMIT_MS = 3_600_000;

let world: SimWorld;

beforeEach(() => {
  world = new SimWorld();
});

function behave(revision: string, behaviour: Behaviour): void {
  world.engine.behaviours.set(revision, behaviour);
}

/** A first release whose `web` was ill and that was kept, and a second one whose run died while `web` came up. */
async function diedOver(ill: Behaviour): Promise<SimRunner> {
  behave("web-v1", ill);
  expect(await world.runner("first").deploy("v1")).toMatchObject({ outcome: "failed" });
  await died();
  const rescue = world.runner("rescue");
  leave("api", rescue);
  return rescue;
}

async function died(): Promise<void> {
  behave("web-v2", { kind: "never ready" });
  const victim: SimRunner = world.runner("victim", {
    onStep: (step) => {
      if (step === "watch") victim.kill();
    },
  });
  leave("api", victim);
  await world.time.run(victim.start("v2"), LIMIT_MS);
  expect(world.engine.revisions().web).toContain("web-v2");
}

/** Engines expect nothing of what was not right when the snapshot was taken: their judge is shown none of it. */
function expectNothingOf(name: string, { target }: SimRunner): void {
  const observe = target.observe.bind(target);
  target.observe = async (...asked) => {
    const seen = await observe(...asked);
    const services = seen.services.map((one) => (one.name === name ? { ...one, desired: 0, instances: [] } : one));
    return { ...seen, services };
  };
}

describe("a run that died over a first release that was kept though ill", () => {
  it.each<[string, Behaviour]>([
    ["unhealthy", { kind: "unhealthy", afterMs: 0 }],
    ["in a crash loop", { kind: "crash", afterMs: 2_700 }],
    ["never ready", { kind: "never ready" }],
  ])("is no failed way back: what is %s was so before", async (_, ill) => {
    const rescue = await diedOver(ill);
    const result = await rescue.recover();
    expect(result).toMatchObject({
      ...{ kind: "recovered", deployments: [2], by: 3 },
      ...{ outcome: "unverified", cause: { cause: "recovered" }, findings: [IS_BACK] },
    });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    const { store } = rescue.target;
    const [, dead] = await world.time.run(history(store), LIMIT_MS);
    expect(dead?.end).toMatchObject({ outcome: "unverified", recoveredBy: 3, findings: [IS_BACK] });
    expect(await world.time.run(current(store), LIMIT_MS)).toEqual({ proven: false });
  });

  it("is put right by the next release, which stays when it fails, too", async () => {
    const next = await diedOver({ kind: "unhealthy", afterMs: 0 });
    behave("web-v3", { kind: "crash", afterMs: 700 });
    const result = await next.deploy("v3");
    expect(result).toMatchObject({ outcome: "failed", report: { findings: [{ check: "nothing_proven" }] } });
    expect(result.recovered).toMatchObject([{ outcome: "unverified", findings: [IS_BACK] }]);
  });

  it("is no way back that was proven where nothing was expected of it", async () => {
    const rescue = await diedOver({ kind: "unhealthy", afterMs: 0 });
    expectNothingOf("web", rescue);
    expect(await rescue.recover()).toMatchObject({ outcome: "unverified", findings: [IS_BACK] });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    const runs = await world.time.run(current(rescue.target.store), LIMIT_MS);
    expect(runs).toMatchObject({ proven: false });
  });

  it.each([["restore act"], ["restore watch"], ["end recovered"]] as const)(
    "is put right by the next one when its rescuer dies at the last stage's %s",
    async (at) => {
      await diedOver({ kind: "unhealthy", afterMs: 0 });
      const rescuer: SimRunner = world.runner("rescuer", {
        onStep: (step, stage) => {
          if (step === at && stage !== "start") rescuer.kill();
        },
      });
      void recover({ onAlive: "wait" }, rescuer.ports);
      await world.time.run(world.time.sleep(300_000), LIMIT_MS);
      expect(rescuer.steps.at(-1)).toBe(at);
      expect(await world.runner("next").recover()).toMatchObject({
        ...{ kind: "recovered", deployments: [3, 2], outcome: "unverified", findings: [IS_BACK] },
      });
      expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    },
  );

  it("is rolled back when what was ill has become well", async () => {
    const rescue = await diedOver({ kind: "unhealthy", afterMs: 0 });
    behave("web-v1", { kind: "good", startMs: 0 });
    const result = await rescue.recover();
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "recovered" } });
    expect(result.findings).toBeUndefined();
  });

  it("is a way back that failed when it can't be put back", async () => {
    const rescue = await diedOver({ kind: "unhealthy", afterMs: 0 });
    rescue.target.restorationFails = true;
    const result = await rescue.recover();
    expect(result).toMatchObject({ outcome: "rollback_failed", cause: { cause: "internal" } });
    expect(result.findings).toBeUndefined();
  });
});

describe("a way back that a dead run left", () => {
  it("has failed when what had become well is not any more", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await world.runner("first").deploy("v1");
    behave("web-v1", { kind: "good", startMs: 0 });
    await died();
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await expectFailedRecovery();
  });

  it("has failed when it leads to what was proven once, though that was ill before, too", async () => {
    await world.deployed("v0");
    behave("web-v0", { kind: "unhealthy", afterMs: 0 });
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await world.runner("second").deploy("v1", { onFailure: "keep" });
    await died();
    await expectFailedRecovery();
  });
});

async function expectFailedRecovery(): Promise<void> {
  const result = await world.runner("rescue").recover();
  expect(result).toMatchObject({ outcome: "rollback_failed", cause: { service: "web" } });
  expect(result.findings).toBeUndefined();
}
