import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import { readListing } from "../ledger/record-names.ts";
import type { Behaviour } from "../testing/sim-engine.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const V1 = { api: "api-v1", web: "web-v1" };
const V2 = { api: "api-v2", web: "web-v2" };

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

/** Number, outcome and cause of every deployment, newest first. */
async function ledger(): Promise<string[]> {
  const entries = await inTime(history(runner.target.store));
  return entries.map(({ deployment, end }) =>
    `${deployment} ${end?.outcome ?? "open"} ${end?.cause?.cause ?? ""}`.trim(),
  );
}

describe("a deployment that goes well", () => {
  it("succeeds from nothing, and says what was read back", async () => {
    behave("web-v1", { kind: "good", startMs: 3_000 });
    const result = await world.deployed("v1");
    expect(result).toMatchObject({
      outcome: "succeeded",
      leftOpen: false,
      report: { deployment: 1, outcome: "succeeded" },
    });
    expect(result.report.running.map((one) => [one.service, one.revision, one.ready])).toEqual([
      ["api", "api-v1", 2],
      ["web", "web-v1", 2],
    ]);
    expect(world.engine.revisions()).toEqual(V1);
    expect(await ledger()).toEqual(["1 succeeded"]);
  });

  it("keeps what ran before serving until the new one has converged, then takes the stable window", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "good", startMs: 3_000 });
    const result = await runner.deploy("v2");
    expect(result).toMatchObject({
      outcome: "succeeded",
      report: { previous: { deployment: 1, source: { revision: "v1" } } },
    });
    expect(result.report.durationMs).toBeGreaterThan(5_000);
    expect(result.report.durationMs).toBeLessThan(6_500);
    expect(world.engine.revisions()).toEqual(V2);
    expect(await inTime(current(runner.target.store))).toMatchObject({
      deployment: 2,
      proven: true,
      release: { source: { revision: "v2" } },
    });
  });

  it("touches nothing when it runs already, but watches", async () => {
    await world.deployed("v1");
    const changes = world.engine.changes;
    const result = await runner.deploy("v1");
    expect(result.outcome).toBe("unchanged");
    expect(result.report.deployment).toBeUndefined();
    expect(world.engine.changes).toBe(changes);
    expect(runner.steps).toEqual(["survey", "plan", "preflight", "confirm", "baseline", "act", "watch", "read back"]);
  });

  it("is a deployment all the same when something besides the services changes", async () => {
    await world.deployed("v1");
    runner.target.others = ["update service/web: spec.ports[80].targetPort"];
    const result = await runner.deploy("v1");
    expect(result).toMatchObject({ outcome: "succeeded", report: { deployment: 2, others: runner.target.others } });
    expect(runner.steps).toContain("snapshot");
    expect(await ledger()).toEqual(["2 succeeded", "1 succeeded"]);
  });

  it("does not call an unchanged release healthy that is not", async () => {
    await world.deployed("v1");
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    expect(await runner.deploy("v1")).toMatchObject({ outcome: "unverified", cause: { cause: "start_timeout" } });
    expect(await ledger()).toEqual(["1 succeeded"]);
  });
});

describe("a deployment that is refused", () => {
  it("for a finding, before the ledger knows of it", async () => {
    runner.target.findings = [{ level: "refuse", check: "image_missing", service: "web", message: "no such image" }];
    const result = await runner.deploy("v1");
    expect(result).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web", detail: "no such image" },
    });
    expect(world.engine.records.size + world.engine.changes).toBe(0);
  });

  it("when a newer release runs, unless it is allowed", async () => {
    await world.deployed("v1");
    const older = world.runner("older", { isOlder: async (source) => source.revision === "v1" });
    expect(await older.deploy("v0")).toMatchObject({ outcome: "refused", cause: { cause: "older_release" } });
    expect(await older.deploy("v0", { allowOlder: true })).toMatchObject({ outcome: "succeeded" });
  });

  it("finds out while the plan is made whether a newer one runs", async () => {
    await world.deployed("v1");
    const asked = Promise.withResolvers<void>();
    const isOlder = async (): Promise<boolean> => {
      asked.resolve();
      return true;
    };
    const older = world.runner("older", { isOlder });
    const plan = older.target.plan.bind(older.target);
    older.target.plan = async (...args) => {
      await asked.promise;
      return plan(...args);
    };
    expect(await older.deploy("v0")).toMatchObject({ outcome: "refused", cause: { cause: "older_release" } });
  });

  it("says so when the age can't be found out, and goes on", async () => {
    await world.deployed("v1");
    const result = await world.runner("unsure", { isOlder: async () => "cannot tell" }).deploy("v2");
    expect(result).toMatchObject({
      outcome: "succeeded",
      report: { findings: [{ level: "cannot tell", check: "older_release" }] },
    });
  });

  it("when another deployment is alive and waiting is not wanted", async () => {
    behave("web-v1", { kind: "good", startMs: 15_000 });
    const first = world.runner("first").start("v1");
    const second = runner.start("v2", { onLocked: "refuse" });
    await world.time.run(world.time.sleep(1), 10);
    const results = await inTime(Promise.all([first, second]));
    expect(results.map((one) => one?.outcome).sort()).toEqual(["refused", "succeeded"]);
    expect(results.find((one) => one?.outcome === "refused")?.cause).toMatchObject({ cause: "locked" });
  });

  it("as superseded when it waited and a newer release came", async () => {
    behave("web-v1", { kind: "good", startMs: 15_000 });
    const waiting = world.runner("waiting", { isOlder: async () => true });
    const results = await inTime(Promise.all([world.runner("first").start("v1"), late(() => waiting.start("v0"))]));
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "superseded"]);
  });
});

async function late<T>(work: () => Promise<T>): Promise<T> {
  await world.time.sleep(2_000);
  return work();
}

const FAILURES: [string, Behaviour][] = [
  ["crash_loop", { kind: "crash", afterMs: 700 }],
  ["oom_killed", { kind: "oom", afterMs: 700 }],
  ["exited", { kind: "exit", afterMs: 700 }],
  ["unhealthy", { kind: "unhealthy", afterMs: 700 }],
  ["image_unavailable", { kind: "no image" }],
  ["start_timeout", { kind: "never ready" }],
  ["readiness_lost", { kind: "lapse", startMs: 100, afterMs: 1_200 }],
];

describe("a deployment that fails", () => {
  it.each(FAILURES)("is rolled back, cause %s", async (cause, behaviour) => {
    await world.deployed("v1");
    behave("web-v2", behaviour);
    const result = await runner.deploy("v2");
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause, service: "web" }, leftOpen: false });
    expect(result.report.restoreMs).toBeGreaterThan(0);
    expect(world.engine.revisions()).toEqual(V1);
    expect(await ledger()).toEqual([`2 rolled_back ${cause}`, "1 succeeded"]);
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 1, proven: true });
  });

  it("is off again within seconds, with its evidence", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "crash", afterMs: 700 });
    const { report } = await runner.deploy("v2");
    expect(report.durationMs).toBeLessThan(5_000);
    expect(report.evidence[0]?.logLines).toContain("Error: DATABASE_URL is missing");
    expect(report.likelyCause).toContain("DATABASE_URL is missing");
  });
});

describe("a failure that is not simply rolled back", () => {
  it("stays in place when the policy says so", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "crash", afterMs: 700 });
    expect(await runner.deploy("v2", { onFailure: "keep" })).toMatchObject({
      outcome: "failed",
      cause: { cause: "crash_loop" },
    });
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 2, proven: false });
  });

  it("stays in place when it is the first", async () => {
    behave("web-v1", { kind: "crash", afterMs: 700 });
    expect(await runner.deploy("v1")).toMatchObject({ outcome: "failed" });
    expect(world.engine.revisions()).toEqual(V1);
  });

  it("is removed when it is the first and the policy says so", async () => {
    behave("web-v1", { kind: "crash", afterMs: 700 });
    expect(await runner.deploy("v1", { onFirstFailure: "remove" })).toMatchObject({ outcome: "rolled_back" });
    expect(world.engine.revisions()).toEqual({});
  });

  it("says what runs when the way back fails too", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "crash", afterMs: 700 });
    runner.target.restorationFails = true;
    const result = await runner.deploy("v2");
    expect(result).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "internal", detail: "the snapshot can't be read" },
    });
    expect(result.report.likelyCause).toContain("crashed again and again");
    expect(result.report.likelyCause).toContain("the release was given up because");
    expect(result.report.running).not.toEqual([]);
  });

  it("says so when the old release is not well any more either", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "crash", afterMs: 2_700 });
    behave("web-v1", { kind: "unhealthy", afterMs: 0 });
    expect(await runner.deploy("v2")).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "start_timeout", service: "web" },
    });
  });

  it("is rolled back at the deadline", async () => {
    await world.deployed("v1");
    behave("web-v2", { kind: "never ready" });
    const result = await runner.deploy("v2", { deadlineMs: 8_000 });
    expect(result).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "timed_out", detail: expect.stringContaining("web") },
    });
  });
});

describe("an engine that goes away", () => {
  beforeEach(() => world.deployed("v1"));

  it("for a while, and the deployment goes on", async () => {
    world.engine.outage = { from: world.time.now + 100, to: world.time.now + 12_000 };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded" });
    expect(runner.events.some((event) => event.kind === "unreachable")).toBe(true);
  });

  it("past the deadline, and the old release is put back when it returns", async () => {
    world.engine.outage = { from: world.time.now + 100, to: world.time.now + 80_000 };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { cause: "engine_unreachable" } });
    expect(world.engine.revisions()).toEqual(V1);
  });

  it("for ever: nothing is claimed, and the next run recovers", async () => {
    world.engine.outage = { from: world.time.now + 100, to: Number.POSITIVE_INFINITY };
    expect(await runner.deploy("v2")).toMatchObject({
      outcome: "timed_out",
      cause: { cause: "engine_unreachable" },
      leftOpen: true,
    });
    world.engine.outage = undefined;
    const result = await world.runner("third").deploy("v2");
    expect(result).toMatchObject({
      outcome: "succeeded",
      recovered: [{ kind: "recovered", deployments: [2], by: 3, outcome: "rolled_back" }],
    });
    expect(await ledger()).toEqual([
      "4 succeeded",
      "3 rolled_back recovered",
      "2 rolled_back recovered",
      "1 succeeded",
    ]);
  });

  it("at the very end: it is not called a success", async () => {
    const cut = world.runner("cut", {
      onStep: (step) => {
        if (step === "read back") world.engine.outage = { from: 0, to: Number.POSITIVE_INFINITY };
      },
    });
    expect(await cut.deploy("v2")).toMatchObject({ outcome: "unverified", leftOpen: true });
  });

  it("before anything began: an error, and nothing touched", async () => {
    const { changes } = world.engine;
    world.engine.outage = { from: 0, to: Number.POSITIVE_INFINITY };
    await expect(runner.deploy("v2")).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
    expect(world.engine.changes).toBe(changes);
  });
});

describe("two runs at once", () => {
  beforeEach(() => world.deployed("v1"));

  it("go one after the other", async () => {
    const results = await inTime(Promise.all([world.runner("a").start("v2"), world.runner("bb").start("v3")]));
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
    expect(await ledger()).toEqual(["3 succeeded", "2 succeeded", "1 succeeded"]);
  });

  it("a holder that was stopped past its life is fenced and changes nothing more", async () => {
    const zombie = world.runner("zombie", {
      onStep: (step) => {
        if (step === "watch") zombie.freeze(200_000);
      },
    });
    const results = await inTime(Promise.all([zombie.start("v2"), late(() => world.runner("next").start("v3"))]));
    expect(results.map((one) => one?.outcome)).toEqual(["superseded", "succeeded"]);
    expect(world.engine.revisions()).toEqual({ api: "api-v3", web: "web-v3" });
    const names = readListing([...world.engine.records.keys()]);
    expect([...names.numbers.values()].every((one) => one.begin && one.end)).toBe(true);
  });

  it.each(["start", "remove"] as const)("nor when it is stopped within a step, after its first %s", async (change) => {
    const zombie = world.runner("zombie");
    const make = world.engine[change].bind(world.engine) as (...names: string[]) => void;
    let made = 0;
    world.engine[change] = (...names: string[]) => {
      make(...names);
      made += 1;
      if (made === 1) zombie.freeze(200_000);
    };
    const results = await inTime(Promise.all([zombie.start("v2"), late(() => world.runner("next").start("v3"))]));
    expect(results).toMatchObject([{ outcome: "superseded", cause: { cause: "fenced" } }, { outcome: "succeeded" }]);
    expect(world.engine.revisions()).toEqual({ api: "api-v3", web: "web-v3" });
  });

  it.each([true, false])(
    "one that its CI gave up, and lives, has stopped before (late changes refused: %s)",
    async (refuses) => {
      behave("web-v2", { kind: "good", startMs: 15_000 });
      const order: string[] = [];
      const lost = world.runner("lost", { onEvent: ({ kind }) => void (kind === "ended" && order.push("lost ended")) });
      const next = world.runner("next", {
        isOver: async ({ run }) => run === "lost",
        onStep: (step) => void (step.startsWith("restor") && order.push(step)),
      });
      next.target.refusesStale = refuses;
      const results = await inTime(Promise.all([lost.start("v2"), late(() => next.start("v3"))]));
      expect(results.map((one) => one?.outcome)).toEqual(["superseded", "succeeded"]);
      expect(order.slice(0, 2)).toEqual(["lost ended", "restoration"]);
      expect(world.engine.revisions()).toEqual({ api: "api-v3", web: "web-v3" });
    },
  );

  it("such a holder says so as soon as it is woken, however long it would have watched", async () => {
    const zombie = world.runner("zombie", {
      onStep: (step) => {
        if (step === "watch") zombie.freeze(200_000);
      },
    });
    const patient = { stableMs: 3_000_000, deadlineMs: 3_500_000 };
    const next = late(() => world.runner("next").start("v3"));
    const [woken] = await inTime(Promise.all([zombie.start("v2", patient), next]));
    expect(woken).toMatchObject({ outcome: "superseded", cause: { cause: "fenced" } });
    expect(woken?.report.durationMs).toBeLessThan(240_000);
    expect(zombie.log.filter((line) => line.includes("could not show life")).length).toBeLessThan(3);
  });
});
