import type { RolloutPolicy, Source } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import { readListing } from "../ledger/record-names.ts";
import type { DeploymentResult, DeployPorts } from "../ports.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const SUPERSEDE: Partial<RolloutPolicy> = { onLocked: "supersede" };
/** How long the holder's release takes to become ready: longer than a beat, shorter than its deadline. */
const SLOW_MS = 18_000;

let world: SimWorld;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  world.engine.behaviours.set("web-v2", { kind: "good", startMs: SLOW_MS });
});

/** Releases of these tests sort by their age. */
function runner(name: string, version: string, more: Partial<DeployPorts> = {}): SimRunner {
  return world.runner(name, { isOlder: async (running: Source) => running.revision > version, ...more });
}

function all(...runs: readonly Promise<DeploymentResult | undefined>[]) {
  return world.time.run(Promise.all(runs), 3_600_000);
}

async function after<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  await world.time.sleep(milliseconds);
  return work();
}

/** Number, outcome and cause of every deployment, newest first. */
async function ledger(): Promise<string[]> {
  const entries = await world.time.run(history(world.runner("reader").target.store), 1_000);
  return entries.map(({ deployment, end }) =>
    `${deployment} ${end?.outcome ?? "open"} ${end?.cause?.cause ?? ""}`.trim(),
  );
}

describe("a newer run with `supersede`", () => {
  it("stops an older one within a beat, and begins on what that one put back", async () => {
    const holder = runner("holder", "v2");
    const newer = runner("newer", "v3");
    const results = await all(
      holder.start("v2"),
      after(1_000, () => newer.start("v3", SUPERSEDE)),
    );
    expect(results).toMatchObject([
      {
        outcome: "superseded",
        cause: { cause: "superseded", detail: "run newer, attempt 1 on newer, which deploys commit v3" },
        leftOpen: false,
        report: {
          running: [{ revision: "api-v1" }, { revision: "web-v1" }],
          stages: [{ name: "deploy", state: "skipped" }],
          supersededBy: { run: "newer", source: { revision: "v3" } },
        },
      },
      { outcome: "succeeded", recovered: [] },
    ]);
    expect(newer.events).toContainEqual(expect.objectContaining({ kind: "asking", deployment: 2 }));
    expect(holder.events).toContainEqual(expect.objectContaining({ kind: "asked" }));
    expect(await ledger()).toEqual(["3 succeeded", "2 superseded superseded", "1 succeeded"]);
    // A beat, and the way back.
    expect(results[0]?.report.durationMs).toBeLessThan(SLOW_MS);
    expect([...world.engine.records.keys()].filter((name) => name.endsWith(".stop"))).toEqual([]);
  });

  it("is heard at once where the engine tells of records", async () => {
    const holder = runner("holder", "v2");
    const made = async function* (name: string, signal: AbortSignal): AsyncGenerator<void> {
      while (!world.engine.records.has(name)) await world.time.sleep(20, signal);
      yield;
    };
    Object.assign(holder.target.store, { made });
    const results = await all(
      holder.start("v2"),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["superseded", "succeeded"]);
    const elapsed = holder.events.flatMap((event) => (event.kind === "observed" ? [event] : []));
    const forward = elapsed.filter(({ direction }) => direction === "forward").at(-1)?.elapsedMs;
    expect(forward).toBeLessThan(2_000);
  });

  it("finds a holder that has changed nothing yet", async () => {
    const holder = runner("holder", "v2", {
      onStep: async (step) => {
        if (step === "act") await world.time.sleep(12_000);
      },
    });
    const results = await all(
      holder.start("v2"),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["superseded", "succeeded"]);
    expect(holder.steps).not.toContain("restoration");
    expect(await ledger()).toEqual(["3 succeeded", "2 superseded superseded", "1 succeeded"]);
  });

  it("lets a way back that is under way come to its end", async () => {
    world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 700 });
    world.engine.behaviours.set("web-v1", { kind: "good", startMs: SLOW_MS });
    const holder = runner("holder", "v2");
    const results = await all(
      holder.start("v2"),
      after(4_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results).toMatchObject([
      { outcome: "rolled_back", cause: { cause: "crash_loop" } },
      { outcome: "succeeded" },
    ]);
  });

  it("takes over from one that leaves it to the next run, by policy", async () => {
    const results = await all(
      runner("holder", "v2").start("v2", { onCancel: "leave" }),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results).toMatchObject([
      { outcome: "superseded", cause: { cause: "superseded" }, leftOpen: true },
      { outcome: "succeeded", recovered: [{ kind: "recovered", deployments: [2], outcome: "rolled_back" }] },
    ]);
  });

  it("recovers one that has died meanwhile", async () => {
    const holder = runner("holder", "v2");
    const results = await all(
      holder.start("v2"),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
      after(2_000, async () => {
        holder.kill();
        return undefined;
      }),
    );
    expect(results).toMatchObject([
      undefined,
      { outcome: "succeeded", recovered: [{ kind: "recovered", deployments: [2] }] },
      undefined,
    ]);
  });

  it("changes nothing for one that ends before it hears of it", async () => {
    world.engine.behaviours.delete("web-v2");
    const results = await all(
      runner("holder", "v2").start("v2"),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
  });

  it("plans before it asks, to know that it would not be refused, and anew from what the holder left", async () => {
    world.engine.behaviours.delete("web-v2");
    const holder = runner("holder", "v2", {
      onStep: async (step) => {
        if (step === "act") await world.time.sleep(2_000);
      },
    });
    const newer = runner("newer", "v3");
    const { target } = newer;
    const plan = target.plan.bind(target);
    const found: unknown[] = [];
    target.plan = async (release) => {
      const made = await plan(release);
      found.push(made.services.map(({ from }) => from?.revision));
      return made;
    };
    const results = await all(
      holder.start("v2"),
      after(1_000, () => newer.start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
    // The holder came to a good end before it heard of it: a way back by the first plan would lead to the release before that.
    expect(found).toEqual([
      ["web-v1", "api-v1"],
      ["web-v2", "api-v2"],
    ]);
  });

  it("stops nobody when it would be refused itself", async () => {
    const newer = runner("newer", "v3");
    newer.target.findings = [{ level: "refuse", check: "image_missing", message: "there is no such image" }];
    const results = await all(
      runner("holder", "v2").start("v2"),
      after(1_000, () => newer.start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "refused"]);
    expect(newer.log.join("\n")).toContain("this run would be refused, there is no such image");
  });
});

describe("with `supersede`, nobody stops", () => {
  it.each([
    ["a newer release", "v1.5", "its commit is newer", "superseded"],
    ["the same commit", "v2", "it deploys the same commit", "unchanged"],
  ])("%s", async (_, version, why, outcome) => {
    const second = runner("second", version);
    const results = await all(
      runner("holder", "v2").start("v2"),
      after(1_000, () => second.start(version, SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", outcome]);
    expect(second.log.join("\n")).toContain(why);
    expect(second.steps).not.toContain("supersede");
  });

  it("one whose age can't be found out", async () => {
    const second = world.runner("second", { isOlder: async () => "cannot tell" });
    const results = await all(
      runner("holder", "v2").start("v2"),
      after(1_000, () => second.start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
    expect(second.steps).not.toContain("supersede");
  });

  it("a rollback by hand: a deployment waits for it", async () => {
    await world.deployed("v2");
    world.engine.behaviours.set("web-v1", { kind: "good", startMs: SLOW_MS });
    const back = runner("back", "");
    const results = await all(
      back.startRollback("1"),
      after(1_000, () => runner("newer", "v3").start("v3", SUPERSEDE)),
    );
    expect(results.map((one) => one?.outcome)).toEqual(["succeeded", "succeeded"]);
    expect(back.events).not.toContainEqual(expect.objectContaining({ kind: "asked" }));
  });
});

describe("several runs that supersede", () => {
  it("end with the newest, whichever comes first", async () => {
    const versions = ["v2", "v4", "v3", "v5", "v2.5"];
    for (const version of versions) world.engine.behaviours.set(`web-${version}`, { kind: "good", startMs: SLOW_MS });
    const runs = versions.map((version, index) =>
      after(index * 300, () => runner(`run-${version}`, version).start(version, SUPERSEDE)),
    );
    const results = await all(...runs);
    expect(results[3]?.outcome).toBe("succeeded");
    expect(world.engine.revisions()).toEqual({ api: "api-v5", web: "web-v5" });
    for (const [index, result] of results.entries()) {
      if (index !== 3) expect(["superseded", "succeeded"]).toContain(result?.outcome);
    }
    const { numbers } = readListing([...world.engine.records.keys()]);
    expect([...numbers.values()].every((one) => one.begin && one.end)).toBe(true);
  });
});

describe("a rollback by hand with `supersede`", () => {
  it("stops the release that is just coming, and proves the one before it", async () => {
    const holder = runner("holder", "v2");
    const results = await all(
      holder.start("v2"),
      after(1_000, () => runner("back", "").startRollback("previous", { ...SUPERSEDE })),
    );
    expect(results).toMatchObject([
      { outcome: "superseded", cause: { detail: "run back, attempt 1 on back, which goes back to deployment 1" } },
      { outcome: "unchanged", report: { rollback: { to: 1 } } },
    ]);
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });
});
