import { beforeEach, describe, expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import { readListing } from "../ledger/record-names.ts";
import type { Step } from "../steps.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

let world: SimWorld;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
});

/** `docker volume prune` on a Compose host, and the like. */
function prune(): void {
  world.engine.records.clear();
}

function pruning(step: Step): SimRunner {
  let done = false;
  return world.runner("pruned", {
    onStep: (now) => {
      if (now !== step || done) return;
      done = true;
      prune();
    },
  });
}

describe("records that somebody removes while a deployment is under way", () => {
  it.each(["baseline", "act", "watch", "read back", "end"] as const)(
    "at %s are put back, and it goes on",
    async (step) => {
      const runner = pruning(step);
      expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded", leftOpen: false });
      expect(world.engine.revisions()).toEqual({ api: "api-v2", web: "web-v2" });
      const { numbers, highest } = readListing([...world.engine.records.keys()]);
      expect(highest).toBe(2);
      expect(numbers.get(2)).toMatchObject({ begin: true, end: true });
      expect(runner.log.join("\n")).toContain("Somebody removed the records of deployment 2");
    },
  );

  it("with a bad release: it is still taken off, and the next run finds an end", async () => {
    world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 700 });
    expect(await pruning("watch").deploy("v2")).toMatchObject({ outcome: "rolled_back" });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    expect(await world.runner("next").deploy("v3")).toMatchObject({ outcome: "succeeded", recovered: [] });
  });

  it("and whose run dies afterwards: its snapshot is there again, so the next run puts it right", async () => {
    let pruned = false;
    const victim: SimRunner = world.runner("victim", {
      onStep: (step, stage) => {
        if (step === "watch" && !pruned) {
          pruned = true;
          prune();
        }
        if (step === "act" && stage === "retire") victim.kill();
      },
    });
    world.engine.behaviours.set("web-v2", { kind: "good", startMs: 15_000 });
    await world.time.run(victim.start("v2"), LIMIT_MS);
    expect(await world.runner("rescue").recover()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it("are not put back by a holder that was taken over before: it changes nothing more", async () => {
    const zombie: SimRunner = world.runner("zombie", {
      onStep: (step) => {
        if (step === "watch") zombie.freeze(200_000);
      },
    });
    const next = world.runner("next", {
      onStep: (step) => {
        if (step === "watch") {
          prune();
          next.freeze(1_000);
        }
      },
    });
    world.engine.behaviours.set("web-v3", { kind: "good", startMs: 18_000 });
    const late = world.time.sleep(2_000).then(() => next.start("v3"));
    const [first, second] = await world.time.run(Promise.all([zombie.start("v2"), late]), LIMIT_MS);
    expect([first?.outcome, second?.outcome]).toEqual(["superseded", "succeeded"]);
    expect(world.engine.revisions()).toEqual({ api: "api-v3", web: "web-v3" });
  });

  it("when a new run finds only labels, it waits for a life before it changes anything", async () => {
    prune();
    const runner = world.runner("labels");
    runner.target.labelled = 1;
    const before = world.time.now;
    expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded", report: { deployment: 2 } });
    expect(world.time.now - before).toBeGreaterThan(30_000);
    const entries = await world.time.run(history(runner.target.store), LIMIT_MS);
    expect(entries.map(({ deployment, end }) => [deployment, end?.outcome])).toEqual([[2, "succeeded"]]);
  });
});
