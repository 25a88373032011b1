import type { RunningService } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

let world: SimWorld;
let runner: SimRunner;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  runner = world.runner("second");
});

function runs() {
  return world.time.run(current(runner.target.store), LIMIT_MS);
}

/** Somebody replaces a service by hand. */
function byHand(service: string, revision: string): void {
  for (const one of world.engine.of(service)) world.engine.remove(one.id);
  for (const slot of ["1", "2"]) world.engine.start(service, slot, revision);
}

function crashing(revision: string): void {
  world.engine.behaviours.set(revision, { kind: "crash", afterMs: 700 });
}

/** A run that dies while it watches its release. */
async function killedRun(version: string): Promise<void> {
  const victim: SimRunner = world.runner("victim", {
    onStep: (step) => {
      if (step === "watch") victim.kill();
    },
  });
  await world.time.run(victim.start(version), LIMIT_MS);
}

type Change = (web: RunningService) => RunningService[];

/** What the target says of `web` when it is asked what runs is changed. */
function readAs({ target }: SimRunner, change: Change): void {
  const read = target.running.bind(target);
  target.running = async () => (await read()).flatMap((one) => (one.service === "web" ? change(one) : [one]));
}

describe("something that was changed by hand", () => {
  it("is restored, but not called the release of the ledger", async () => {
    byHand("web", "web-by-hand");
    crashing("web-v2");
    const result = await runner.deploy("v2");
    expect(result.outcome).toBe("rolled_back");
    expect(world.engine.revisions().web).toBe("web-by-hand");
    expect(await runs()).toEqual({ proven: true });
    expect(result.report.previous).toBeUndefined();
  });

  it("is told of before the first change", async () => {
    byHand("web", "web-by-hand");
    const { report } = await runner.deploy("v2");
    expect(report.findings).toMatchObject([
      { level: "warn", check: "drifted", message: expect.stringMatching(/web$/) },
    ]);
  });

  it("is not called the release of the ledger by a recovery", async () => {
    byHand("web", "web-by-hand");
    await killedRun("v2");
    expect(await runner.recover()).toMatchObject({ outcome: "rolled_back" });
    expect(await runs()).toEqual({ proven: true });
  });

  it("is nothing that a target says which runs what the ledger says", async () => {
    crashing("web-v2");
    const { report } = await runner.deploy("v2");
    expect(report.findings).toEqual([]);
    expect(await runs()).toMatchObject({ deployment: 1, release: { source: { revision: "v1" } }, proven: true });
  });
});

describe("what is read back at the end", () => {
  const changes: readonly (readonly [string, Change])[] = [
    ["a service is missing", () => []],
    ["it is another revision", (web) => [{ ...web, revision: "web-v1" }]],
    ["it is another image", (web) => [{ ...web, digests: [`sha256:${"0".repeat(64)}`] }]],
  ];

  it.each(changes)("is no success when %s", async (_, change) => {
    readAs(runner, change);
    expect(await runner.deploy("v2")).toMatchObject({
      outcome: "unverified",
      cause: { cause: "drifted", service: "web" },
    });
  });

  describe("of a way back", () => {
    const backChanges: typeof changes = [
      ["a service is missing", () => []],
      ["it is another revision", (web) => [{ ...web, revision: "web-v2" }]],
      ["it is another image", (web) => [{ ...web, digests: [`sha256:${"0".repeat(64)}`] }]],
      ["it is scaled to nothing", (web) => [{ ...web, ready: 0, desired: 0 }]],
    ];

    it.each(backChanges)("is no rollback when %s", async (_, change) => {
      crashing("web-v2");
      readAs(runner, change);
      const result = await runner.deploy("v2");
      expect(result).toMatchObject({ outcome: "rollback_failed", cause: { service: "web" }, leftOpen: false });
      expect(result.report.likelyCause).toContain("the release was given up because");
      expect(result.report.restoreMs).toBeUndefined();
      expect(await runs()).toEqual({ proven: false });
    });

    it.each(backChanges)("is no recovery when %s", async (_, change) => {
      await killedRun("v2");
      readAs(runner, change);
      expect(await runner.recover()).toMatchObject({ outcome: "rollback_failed", cause: { service: "web" } });
      expect(await runs()).toEqual({ proven: false });
    });

    it("is none when what a first deployment brought is still there", async () => {
      const added = world.runner("first");
      world.engine.behaviours.set("extra-v2", { kind: "crash", afterMs: 700 });
      const read = added.target.running.bind(added.target);
      const [left] = await world.time.run(runner.target.running(), LIMIT_MS);
      added.target.running = async () => [...(await read()), { ...left, service: "extra" } as RunningService];
      const result = await added.deploy("v2", {}, ["web", "api", "extra"]);
      expect(result).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted", service: "extra" } });
    });

    it("is waited for when it comes up again, also by a run that was cancelled", async () => {
      world.engine.behaviours.set("web-v2", { kind: "never ready" });
      const read = runner.target.running.bind(runner.target);
      let readings = 0;
      runner.target.running = async () => {
        readings += 1;
        const running = await read();
        return readings > 3 ? running : running.map(oneIll);
      };
      void world.time.sleep(3_000).then(() => runner.cancel.abort());
      expect(await runner.deploy("v2")).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
      expect(readings).toBe(4);
    });
  });

  const oneIll = (web: RunningService): RunningService => ({ ...web, ready: web.desired - 1 });

  it("is looked at a second time also when the first answer took long", async () => {
    const read = runner.target.running.bind(runner.target);
    let readings = 0;
    runner.target.running = async () => {
      readings += 1;
      if (readings > 1) return read();
      await world.time.sleep(45_000);
      return (await read()).map(oneIll);
    };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded" });
    expect(readings).toBe(2);
  });

  it("is no success when fewer stay ready, which is no drift", async () => {
    const read = runner.target.running.bind(runner.target);
    runner.target.running = async () => (await read()).map(oneIll);
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "unverified", cause: { cause: "readiness_lost" } });
  });

  it.each([
    ["not as many", 1, "succeeded"],
    ["as many", 2, "unverified"],
    ["none where some", 0, "unverified"],
  ] as const)("is held against the number that was judged, when a person wants %s as were planned", async (...of) => {
    const [, desired, outcome] = of;
    const { observe, running } = runner.target;
    runner.target.observe = async (...asked) => {
      const seen = await observe.apply(runner.target, asked);
      const gone = desired === 0 ? { instances: [] } : {};
      return { ...seen, services: seen.services.map((one) => ({ ...one, desired, ...gone })) };
    };
    const ready = Math.min(desired, 1);
    runner.target.running = async () => (await running.call(runner.target)).map((one) => ({ ...one, ready, desired }));
    expect(await runner.deploy("v2")).toMatchObject({ outcome });
  });

  it.each([
    ["fewer", 1, "succeeded"],
    ["as many, and one is lost", 2, "unverified"],
    ["none any more", 0, "unverified"],
  ] as const)("is held against the number that an autoscaler wants since: %s", async (_, desired, outcome) => {
    const { observe, running } = runner.target;
    let scaled = false;
    runner.target.observe = async (...asked) => {
      const seen = await observe.apply(runner.target, asked);
      return scaled ? { ...seen, services: seen.services.map((one) => ({ ...one, desired })) } : seen;
    };
    runner.target.running = async () => {
      scaled = true;
      const ready = Math.min(desired, 1);
      return (await running.call(runner.target)).map((one) => ({ ...one, ready, desired }));
    };
    const beganAt = world.time.now;
    expect(await runner.deploy("v2")).toMatchObject({ outcome });
    if (outcome === "succeeded") expect(world.time.now - beganAt).toBeLessThan(10_000);
  });

  it.each([
    ["as many as were judged", 2, 2, "succeeded"],
    ["fewer", 2, 1, "unverified"],
    ["some, where none was judged either", 0, 2, "unverified"],
  ] as const)(
    "is held against the number that was judged where the plan had none: %s",
    async (_, desired, ready, outcome) => {
      const { execution, observe, running } = runner.target;
      runner.target.execution = (...asked) => {
        const way = execution.apply(runner.target, asked);
        return { ...way, wanted: way.wanted.map((one) => ({ ...one, desired: 0 })) };
      };
      runner.target.observe = async (...asked) => {
        const seen = await observe.apply(runner.target, asked);
        const instances = (all: (typeof seen.services)[number]["instances"]) => (desired === 0 ? [] : all);
        return {
          ...seen,
          services: seen.services.map((one) => ({ ...one, desired, instances: instances(one.instances) })),
        };
      };
      runner.target.running = async () => (await running.call(runner.target)).map((one) => ({ ...one, ready }));
      expect(await runner.deploy("v2")).toMatchObject({ outcome });
    },
  );

  it("is held against the number that was judged when the engine does not say what is wanted since", async () => {
    const { observe, running } = runner.target;
    let readings = 0;
    runner.target.observe = (...asked) =>
      readings === 0 ? observe.apply(runner.target, asked) : new Promise(() => {});
    runner.target.running = async () => {
      readings += 1;
      const all = await running.call(runner.target);
      return readings > 3 ? all : all.map(oneIll);
    };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded" });
    expect(readings).toBe(4);
  });

  it("is waited for when an engine that was restarted just then brings it up again", async () => {
    const read = runner.target.running.bind(runner.target);
    const readings: number[] = [];
    runner.target.running = async () => {
      const running = await read();
      readings.push(world.time.now);
      return readings.length > 3 ? running : running.map(oneIll);
    };
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded", leftOpen: false });
    expect(readings).toHaveLength(4);
  });
});

describe("a release that runs already", () => {
  it.each(["begins", "ends"])(
    "is planned anew when another deployment began before the confirmation %s",
    async (when) => {
      let done = false;
      const other = world.runner("other");
      const confirmer = world.runner("confirmer", {
        onStep: async (step) => {
          if (done || step !== (when === "begins" ? "preflight" : "confirm")) return;
          done = true;
          await other.start("v2");
        },
      });
      expect(await confirmer.deploy("v1")).toMatchObject({ outcome: "succeeded", report: { deployment: 3 } });
      expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    },
  );
});

describe("a release that is older", () => {
  const older = { isOlder: async () => true };

  it("than one that was proven is refused", async () => {
    expect(await world.runner("late", older).deploy("v2")).toMatchObject({ cause: { cause: "older_release" } });
  });

  it("than one that was never proven is deployed", async () => {
    crashing("web-v2");
    await runner.deploy("v2", { onFailure: "keep" });
    expect(await runs()).toMatchObject({ deployment: 2, proven: false });
    expect(await world.runner("third", older).deploy("v3")).toMatchObject({ outcome: "succeeded" });
  });
});

describe("a ledger that lost its newest deployments", () => {
  it("goes on after the number on the labels", async () => {
    runner.target.labelled = 5;
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded", report: { deployment: 6 } });
    const numbers = (await world.time.run(history(runner.target.store), LIMIT_MS)).map((one) => one.deployment);
    expect(numbers).toEqual([6, 1]);
  });

  it("is not what a label means that another run has just written", async () => {
    let begun: Promise<unknown> = Promise.resolve();
    const second = world.runner("late", {
      onStep: async (step) => {
        if (step !== "plan" || second.target.labelled > 0) return;
        second.target.labelled = 2;
        begun = runner.start("v2");
        await world.time.sleep(1_000);
      },
    });
    const result = await world.time.run(second.start("v3"), LIMIT_MS);
    await begun;
    expect(result).toMatchObject({ outcome: "succeeded", report: { deployment: 3 } });
    const entries = await world.time.run(history(runner.target.store), LIMIT_MS);
    expect(entries.map((one) => one.end?.outcome)).toEqual(["succeeded", "succeeded", "succeeded"]);
  });
});
