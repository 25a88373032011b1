import type { RunningService, ServiceChange } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import type { Behaviour } from "../testing/sim-engine.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const CRASH: Behaviour = { kind: "crash", afterMs: 700 };
const BOTH = { api: "api-v1", web: "web-v1" };

let world: SimWorld;
let runner: SimRunner;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  runner = world.runner("second");
});

describe("services of one release", () => {
  it("come back together when one of them fails", async () => {
    world.engine.behaviours.set("api-v2", CRASH);
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { service: "api" } });
    expect(world.engine.revisions()).toEqual(BOTH);
  });
});

describe("a service that the release no longer has", () => {
  it("goes once the others are proven", async () => {
    const seen: string[][] = [];
    const watcher = world.runner("watcher", {
      onStep: (step, stage) => {
        if (step === "act" && stage === "retire") seen.push(Object.keys(world.engine.revisions()));
      },
    });
    const result = await watcher.deploy("v2", {}, ["web"]);
    expect(result).toMatchObject({ outcome: "succeeded" });
    expect(result.report.changes).toMatchObject([{ service: "web" }, { service: "api", action: "remove" }]);
    expect(seen).toEqual([["api", "web"]]);
    expect(world.engine.revisions()).toEqual({ web: "web-v2" });
  });

  it("is still there when the others fail before", async () => {
    world.engine.behaviours.set("web-v2", CRASH);
    expect(await runner.deploy("v2", {}, ["web"])).toMatchObject({ outcome: "rolled_back" });
    expect(world.engine.revisions()).toEqual(BOTH);
  });

  it("comes back when the others fail after it has gone", async () => {
    world.engine.behaviours.set("web-v2", { kind: "lapse", startMs: 0, afterMs: 1_000 });
    expect(await runner.deploy("v2", { stableMs: 5_000 }, ["web"])).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "readiness_lost", service: "web" },
    });
    expect(world.engine.revisions()).toEqual(BOTH);
  });

  it("is no success while it still runs", async () => {
    const read = runner.target.running.bind(runner.target);
    const [, kept] = await world.time.run(read(), 1_000);
    runner.target.running = async () => [
      ...(await read()),
      ...(kept === undefined ? [] : [{ ...kept, service: "api" }]),
    ];
    expect(await runner.deploy("v2", {}, ["web"])).toMatchObject({
      outcome: "unverified",
      cause: { cause: "drifted", service: "api" },
    });
  });
});

describe("a service that the deployment does not touch", () => {
  type Api = (api: RunningService) => RunningService[];

  /** A release that does not touch `api`, of which the target says this at the end. */
  async function deployBeside(api: Api) {
    const { target } = runner;
    const [plan, running] = [target.plan.bind(target), target.running.bind(target)];
    target.plan = async (release) => {
      const planned = await plan(release);
      const services = planned.services.map((one): ServiceChange => {
        return one.service === "api" && one.from ? { ...one, action: "unchanged", to: one.from } : one;
      });
      return { ...planned, services };
    };
    target.running = async () => (await running()).flatMap((one) => (one.service === "api" ? api(one) : [one]));
    return runner.deploy("v2");
  }

  function crashBeside(api: Api) {
    world.engine.behaviours.set("web-v2", CRASH);
    return deployBeside(api);
  }

  it("is no matter of the way back as long as it stays as it is", async () => {
    expect(await crashBeside((api) => [api])).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
  });

  it.each<readonly [string, Api]>([
    ["removed", () => []],
    ["changed", (api) => [{ ...api, revision: "by hand" }]],
  ])("and that somebody has %s meanwhile keeps the way back from being whole", async (_, api) => {
    const { outcome, cause, report } = await crashBeside(api);
    expect([outcome, cause?.cause, cause?.service]).toEqual(["rollback_failed", "drifted", "api"]);
    expect(report.likelyCause).toContain("web: a container crashed");
    expect((await world.time.run(history(runner.target.store), 1_000))[0]?.end?.runs).toEqual({ proven: false });
  });

  it("and that somebody changes meanwhile is not whole because what served before still does", async () => {
    const { target } = runner;
    const observe = target.observe.bind(target);
    target.observe = async (wanted, signal) => {
      const seen = await observe(wanted, signal);
      if (!wanted.some(({ revision }) => revision === "web-v2")) return seen;
      const drifted = [{ type: "drifted", message: "somebody else changed it" }] as const;
      return {
        ...seen,
        services: seen.services.map((one) => (one.name === "api" ? { ...one, conditions: drifted } : one)),
      };
    };
    expect(await deployBeside((api) => [api])).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "drifted", service: "api", detail: "somebody else changed it" },
    });
    expect(world.engine.revisions()).toEqual(BOTH);
  });
});

describe("evidence", () => {
  it("that does not come stands in the way back for 3 s at most", async () => {
    world.engine.behaviours.set("web-v2", CRASH);
    runner.target.dossier = () => new Promise(() => undefined);
    const begun = world.time.now;
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
    expect(world.time.now - begun).toBeLessThan(8_000);
  });
});

describe("a stable window of 0", () => {
  it("is over at the first look that finds all right", async () => {
    const { report } = await runner.deploy("v2", { stableMs: 0 });
    expect(report.durationMs).toBeLessThan(300);
  });
});
