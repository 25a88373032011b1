import type { RolloutPolicy } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import type { DeploymentResult } from "../ports.ts";
import type { Step } from "../steps.ts";
import { leave } from "../testing/leave.ts";
import type { Behaviour } from "../testing/sim-engine.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const IS_BACK = {
  level: "warn",
  check: "nothing_proven",
  service: "web",
  remedy: expect.stringContaining("no better"),
};

let world: SimWorld;
let runner: SimRunner;

beforeEach(() => {
  world = new SimWorld();
  runner = world.runner("second");
});

function behave(revision: string, behaviour: Behaviour): void {
  world.engine.behaviours.set(revision, behaviour);
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return world.time.run(work, 3_600_000);
}

/** A first release with a `web` that is ill, and a second one that `by` is cancelled in while its `web` comes up. */
async function cancelled(
  by: SimRunner,
  { web = { kind: "unhealthy", afterMs: 0 }, policy = {} }: { web?: Behaviour; policy?: Partial<RolloutPolicy> } = {},
): Promise<DeploymentResult> {
  behave("web-v1", web);
  await runner.deploy("v1");
  behave("web-v2", { kind: "never ready" });
  void world.time.sleep(3_000).then(() => by.cancel.abort());
  return by.deploy("v2", policy);
}

describe("a release that fails where none was ever proven", () => {
  it("stays in place when it comes after a first one that failed, was kept and is still bad", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    expect(await runner.deploy("v1")).toMatchObject({ outcome: "failed" });
    behave("web-v2", { kind: "crash", afterMs: 700 });
    const result = await world.runner("third").deploy("v2");
    expect(result).toMatchObject({ outcome: "failed", cause: { cause: "crash_loop", service: "web" } });
    expect(result.report.findings).toMatchObject([{ level: "warn", check: "nothing_proven", service: "web" }]);
    expect(world.engine.of("web").some((one) => one.revision === "web-v2")).toBe(true);
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 2, proven: false });
    expect(await world.runner("fourth").deploy("v3")).toMatchObject({ outcome: "succeeded" });
    expect(world.engine.revisions()).toEqual({ api: "api-v3", web: "web-v3" });
    const entries = await inTime(history(runner.target.store));
    expect(entries.map(({ end }) => end?.outcome)).toEqual(["succeeded", "failed", "failed"]);
  });

  it.each<[string, Behaviour, Partial<RolloutPolicy>, string, readonly object[]]>([
    ["which is well by now", { kind: "good", startMs: 0 }, {}, "rolled_back", []],
    [
      "which is not to be kept any more",
      { kind: "never ready" },
      { onFirstFailure: "remove" },
      "unverified",
      [IS_BACK],
    ],
  ])("is taken off when it comes after a first one that failed, %s", async (_, then, policy, outcome, findings) => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v1", then);
    behave("web-v2", { kind: "crash", afterMs: 2_700 });
    const third = world.runner("third");
    leave("api", third);
    const result = await third.deploy("v2", policy);
    expect(result).toMatchObject({ outcome, cause: { cause: "crash_loop" }, report: { findings } });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is taken off when it spoils what was well, beside what was bad and is not touched", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    expect(await runner.deploy("v1")).toMatchObject({ outcome: "failed" });
    behave("api-v2", { kind: "crash", afterMs: 700 });
    const third = world.runner("third");
    leave("web", third);
    expect(await third.deploy("v2")).toMatchObject({ outcome: "rolled_back", report: { findings: [] } });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is taken off when something was proven before what was kept", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v2", { onFailure: "keep" });
    behave("web-v3", { kind: "crash", afterMs: 700 });
    const result = await world.runner("third").deploy("v3");
    expect(result).toMatchObject({ outcome: "rolled_back", report: { findings: [] } });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is taken off when it comes after one that was kept, and is cancelled", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const third = world.runner("third");
    leave("api", third);
    void world.time.sleep(3_000).then(() => third.cancel.abort());
    const result = await third.deploy("v2");
    expect(result).toMatchObject({ outcome: "unverified", cause: { cause: "cancelled" }, leftOpen: false });
    expect(result.report.findings).toMatchObject([IS_BACK]);
    expect(await inTime(current(runner.target.store))).toEqual({ proven: false });
  });

  it("is taken off to the end, and what was well beside what was bad is proven again", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("api-v2", { kind: "crash", afterMs: 700 });
    const result = await world.runner("third").deploy("v2");
    expect(result).toMatchObject({ outcome: "unverified", cause: { cause: "crash_loop", service: "api" } });
    expect(result.report.findings).toMatchObject([IS_BACK]);
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is a way back that failed when what was well falls ill on it", async () => {
    const onStep = (step: Step, stage?: string): void => {
      if (step === "restore watch" && stage === "retire") behave("api-v1", { kind: "unhealthy", afterMs: 0 });
    };
    const result = await cancelled(world.runner("third", { onStep }));
    expect(result).toMatchObject({ outcome: "rollback_failed", cause: { service: "api" }, report: { findings: [] } });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is a way back that failed when its time is over before all of it was gone", async () => {
    const third = world.runner("third");
    leave("api", third);
    const result = await cancelled(third, { web: { kind: "never ready" }, policy: { deadlineMs: 10_000 } });
    expect(result).toMatchObject({
      ...{ outcome: "rollback_failed", cause: { cause: "timed_out" }, report: { findings: [] } },
    });
    expect(world.engine.revisions()).toMatchObject({ web: "web-v1+web-v2" });
  });

  it("waits for all that were ill at once, and not for one after the other", async () => {
    behave("api-v1", { kind: "never ready" });
    const third = world.runner("third");
    const result = await cancelled(third, { web: { kind: "never ready" }, policy: { deadlineMs: 32_000 } });
    expect(result).toMatchObject({ outcome: "unverified", cause: { cause: "cancelled" } });
    expect(result.report.findings).toMatchObject([{ check: "nothing_proven" }]);
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("is told to be still there where its engine keeps it until what ran before is ready", async () => {
    const third = world.runner("third");
    leave("api", third);
    const restoration = third.target.restoration.bind(third.target);
    third.target.restoration = async (...asked) => {
      const { stages, ...rest } = await restoration(...asked);
      return { ...rest, stages: stages.slice(0, 1).map((one) => ({ ...one, expect: "alone" as const })) };
    };
    const result = await cancelled(third);
    expect(result).toMatchObject({ outcome: "unverified", cause: { cause: "cancelled" } });
    const message = "still there beside what was put back of web: web-1, web-2";
    const still = { level: "warn", check: "still_there", service: "web", message };
    expect(result.report.findings).toMatchObject([IS_BACK, still]);
    expect(result.report.durationMs).toBeLessThan(60_000);
    expect(world.engine.revisions()).toMatchObject({ web: "web-v1+web-v2" });
    const [entry] = await inTime(history(runner.target.store));
    expect(entry?.end?.findings).toEqual(result.report.findings);
  });

  it("is no failed way back when it is cancelled, whatever becomes of one that fails", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const third = world.runner("third");
    leave("api", third);
    void world.time.sleep(3_000).then(() => third.cancel.abort());
    const result = await third.deploy("v2", { onFailure: "keep" });
    expect(result).toMatchObject({ outcome: "unverified", report: { findings: [IS_BACK] } });
    const [entry] = await inTime(history(runner.target.store));
    expect(entry?.end?.findings).toEqual(result.report.findings);
  });

  it("stays with on-failure: keep, which is no news", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "crash", afterMs: 700 });
    const result = await world.runner("third").deploy("v2", { onFailure: "keep" });
    expect(result).toMatchObject({ outcome: "failed", report: { findings: [] } });
  });

  it("is rolled back when it is cancelled, and what comes back is well", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const third = world.runner("third");
    void world.time.sleep(3_000).then(() => {
      behave("web-v1", { kind: "good", startMs: 0 });
      third.cancel.abort();
    });
    const result = await third.deploy("v2");
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" }, report: { findings: [] } });
  });

  it("is a way back that failed when it is cancelled, and what was well does not come back", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const third = world.runner("third");
    void world.time.sleep(3_000).then(() => {
      behave("api-v1", { kind: "crash", afterMs: 0 });
      third.cancel.abort();
    });
    const result = await third.deploy("v2");
    expect(result).toMatchObject({ outcome: "rollback_failed", report: { findings: [] } });
    expect(result.report.likelyCause).toContain("cancelled");
  });

  it("is a way back that failed when it is cancelled, and what was bad can't be put back", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const third = world.runner("third");
    leave("api", third);
    third.target.restorationFails = true;
    void world.time.sleep(3_000).then(() => third.cancel.abort());
    const result = await third.deploy("v2");
    expect(result).toMatchObject({ outcome: "rollback_failed", report: { findings: [] } });
    expect(world.engine.revisions()).toMatchObject({ web: "web-v1+web-v2" });
  });

  it("stays when one that was cancelled came in between", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v2", { kind: "never ready" });
    const second = world.runner("cancelled");
    leave("api", second);
    void world.time.sleep(3_000).then(() => second.cancel.abort());
    expect(await second.deploy("v2")).toMatchObject({ outcome: "unverified" });
    behave("web-v3", { kind: "crash", afterMs: 700 });
    const result = await world.runner("third").deploy("v3");
    expect(result).toMatchObject({ outcome: "failed", report: { findings: [{ check: "nothing_proven" }] } });
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 3, proven: false });
  });

  it.each([
    ["looks well between two crashes", 1_000, "failed"],
    ["crashed long ago", 600_000, "rolled_back"],
  ] as const)("goes by what the kept one %s", async (_, ageMs, outcome) => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v1", { kind: "good", startMs: 0 });
    behave("web-v2", { kind: "crash", afterMs: 2_700 });
    const third = world.runner("third");
    const observe = third.target.observe.bind(third.target);
    third.target.observe = async (...asked) => {
      const seen = await observe(...asked);
      const lastExit = { code: 1, oomKilled: false, at: seen.at - ageMs };
      const services = seen.services.map((service) => {
        const instances = service.instances.map((one) => {
          if (one.revision !== "web-v1") return one;
          return { ...one, containers: one.containers.map((container) => ({ ...container, lastExit })) };
        });
        return { ...service, instances };
      });
      return { ...seen, services };
    };
    expect(await third.deploy("v2")).toMatchObject({ outcome });
  });

  it("is taken off when what runs can't be looked at in time", async () => {
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    await runner.deploy("v1");
    behave("web-v1", { kind: "good", startMs: 0 });
    behave("web-v2", { kind: "crash", afterMs: 700 });
    const third = world.runner("third");
    const observe = third.target.observe.bind(third.target);
    let looks = 0;
    third.target.observe = async (...asked) => {
      looks += 1;
      if (looks === 1) throw new Error("connection refused");
      return observe(...asked);
    };
    expect(await third.deploy("v2")).toMatchObject({ outcome: "rolled_back", report: { findings: [] } });
  });
});
