import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import { readListing } from "../ledger/record-names.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

let world: SimWorld;
let runner: SimRunner;

beforeEach(async () => {
  world = new SimWorld();
  for (const version of ["v1", "v2", "v3"]) await world.deployed(version);
  runner = world.runner("operator");
});

function inTime<T>(work: Promise<T>): Promise<T> {
  return world.time.run(work, 3_600_000);
}

function runs(version: string): { api: string; web: string } {
  return { api: `api-${version}`, web: `web-${version}` };
}

async function newest() {
  return (await inTime(history(runner.target.store)))[0];
}

describe("a rollback by hand", () => {
  it("brings an earlier deployment back, proves it, and is a deployment of its own", async () => {
    const result = await runner.rollback("1", { reason: "prices are wrong", by: "ada" });
    expect(result).toMatchObject({
      outcome: "succeeded",
      report: {
        deployment: 4,
        release: { source: { revision: "v1" } },
        rollback: { to: 1, reason: "prices are wrong", by: "ada" },
        previous: { deployment: 3, source: { revision: "v3" } },
      },
    });
    expect(world.engine.revisions()).toEqual(runs("v1"));
    expect((await newest())?.begin).toMatchObject({
      intent: "rollback",
      rollback: { to: 1, reason: "prices are wrong", by: "ada" },
    });
    expect(await inTime(current(runner.target.store))).toMatchObject({
      deployment: 4,
      release: { source: { revision: "v1" } },
      proven: true,
    });
  });

  it("goes three releases deep by previous, and not further", async () => {
    await world.deployed("v4");
    for (const version of ["v3", "v2", "v1"]) {
      expect(await runner.rollback("previous")).toMatchObject({ outcome: "succeeded" });
      expect(world.engine.revisions()).toEqual(runs(version));
    }
    await expect(runner.rollback("previous")).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("asks what speaks against the release that it goes back to, and changes nothing then", async () => {
    const asked: object[] = [];
    const objecting = {
      level: "refuse",
      check: "signature_missing",
      service: "web",
      message: "nobody signed it",
    } as const;
    const objections = async (images: object) => {
      asked.push(images);
      return [objecting];
    };
    const refused = await runner.rollback("1", {}, { objections });
    expect(refused).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web", detail: "nobody signed it" },
      report: { findings: expect.arrayContaining([objecting]) },
    });
    expect(world.engine.revisions()).toEqual(runs("v3"));
    expect((await newest())?.deployment).toBe(3);
    const images = (await inTime(history(runner.target.store))).at(-1)?.begin?.release?.images;
    expect(asked).toEqual([images]);
    expect(await runner.rollback("3", {}, { objections })).toMatchObject({ outcome: "unchanged" });
    expect(asked).toHaveLength(1);
    expect(await runner.rollback("1", {}, { objections: async () => [] })).toMatchObject({ outcome: "succeeded" });
  });

  it("takes the services that only later deployments touched from their snapshots", async () => {
    world = new SimWorld();
    await world.deployed("v1");
    runner = world.runner("operator");
    await runner.deploy("v2", {}, ["web"]);
    await runner.deploy("v3", {}, ["api"]);
    await runner.deploy("v4", {}, ["web", "api", "more"]);
    expect(world.engine.revisions()).toEqual({ ...runs("v4"), more: "more-v4" });
    expect(await runner.rollback("1")).toMatchObject({ outcome: "succeeded" });
    expect(world.engine.revisions()).toEqual(runs("v1"));
  });

  it("to what runs already is unchanged, after a look", async () => {
    const { changes } = world.engine;
    expect(await runner.rollback("3")).toMatchObject({ outcome: "unchanged" });
    world.engine.behaviours.set("web-v3", { kind: "unhealthy", afterMs: 0 });
    expect(await runner.rollback("3")).toMatchObject({ outcome: "unverified" });
    expect(world.engine.changes).toBe(changes);
  });

  it("to a release that is not well any more goes back to what ran before the rollback", async () => {
    world.engine.behaviours.set("web-v1", { kind: "crash", afterMs: 700 });
    expect(await runner.rollback("1")).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "crash_loop", service: "web" },
    });
    expect(world.engine.revisions()).toEqual(runs("v3"));
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 3, proven: true });
  });

  it("is never refused for being older, and lets a newer release in afterwards", async () => {
    const order = ["v1", "v2", "v3", "v4"];
    const byAge = (version: string) => ({
      isOlder: async ({ revision }: { revision: string }) => order.indexOf(version) < order.indexOf(revision),
    });
    expect(await world.runner("back", byAge("v1")).rollback("1")).toMatchObject({ outcome: "succeeded" });
    expect(await world.runner("next", byAge("v2")).deploy("v2")).toMatchObject({ outcome: "succeeded" });
    expect(await world.runner("late", byAge("v1")).deploy("v1")).toMatchObject({ outcome: "refused" });
  });

  it("waits for a deployment that is under way, and means what ran before that one", async () => {
    world.engine.behaviours.set("web-v4", { kind: "good", startMs: 15_000 });
    const first = world.runner("first").start("v4");
    await inTime(world.time.sleep(5_000));
    const results = await inTime(Promise.all([first, runner.startRollback("previous")]));
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
    expect(world.engine.revisions()).toEqual(runs("v3"));
  });

  it("counts what a failed deployment was taken back to, not the failed one", async () => {
    world.engine.behaviours.set("web-bad", { kind: "crash", afterMs: 700 });
    expect(await runner.deploy("bad")).toMatchObject({ outcome: "rolled_back" });
    await world.deployed("v5");
    expect(await runner.rollback("previous")).toMatchObject({ outcome: "succeeded", report: { rollback: { to: 3 } } });
    expect(world.engine.revisions()).toEqual(runs("v3"));
  });
});

describe("a rollback that can't be", () => {
  /** Somebody replaces a service by hand. */
  function byHand(service: string): void {
    for (const one of world.engine.of(service)) world.engine.remove(one.id);
    for (const slot of ["1", "2"]) world.engine.start(service, slot, `${service}-by-hand`);
  }

  it("is refused when something else ran at the begin of the next deployment", async () => {
    byHand("web");
    await world.deployed("v4");
    expect(await runner.rollback("3")).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web", detail: expect.stringContaining("deployment 3") },
    });
    expect(world.engine.revisions()).toEqual(runs("v4"));
    expect(await runner.rollback("2")).toMatchObject({ outcome: "succeeded" });
  });

  it("is refused when what runs was changed by hand and no snapshot has what was proven", async () => {
    byHand("web");
    expect(await runner.rollback("3")).toMatchObject({ outcome: "refused", cause: { service: "web" } });
  });

  it("is refused for what the target finds", async () => {
    runner.target.findings = [{ level: "refuse", check: "image_missing", service: "web", message: "no such image" }];
    expect(await runner.rollback("1")).toMatchObject({ outcome: "refused", cause: { detail: "no such image" } });
    expect(readListing([...world.engine.records.keys()]).highest).toBe(3);
  });

  it("is an error that names the others when a snapshot is lost", async () => {
    for (const name of [...world.engine.records.keys()])
      if (name.startsWith("0002.snap")) world.engine.records.delete(name);
    await expect(runner.rollback("1")).rejects.toMatchObject({
      code: "LEDGER_ERROR",
      next: expect.stringContaining("There is to go back to: 3 (commit v3), 2 (commit v2)."),
    });
    expect(await runner.rollback("2")).toMatchObject({ outcome: "succeeded" });
  });
});
