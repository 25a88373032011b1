import { describe, expect, it } from "vitest";
import { current } from "../ledger/history.ts";
import { readListing } from "../ledger/record-names.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import type { Behaviour } from "../testing/sim-engine.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const WORLDS = process.env.BELAY_SOAK === "1" ? 20_000 : 300;
/** `BELAY_SEED=123` runs that one world alone. */
const SEED = process.env.BELAY_SEED;

/** Three runs at about the same time, good and bad releases, an outage, kills, cancellations: then one that is calm. */
async function happenings(seed: number): Promise<{ world: SimWorld; outcomes: (string | undefined)[] }> {
  const world = new SimWorld();
  const random = seededRandom(seed);
  await world.deployed("v1");
  const bad: Behaviour = { kind: "crash", afterMs: 500 + random() * 2_000 };
  if (random() < 0.4) world.engine.behaviours.set("web-v3", bad);
  if (random() < 0.3) {
    const from = world.time.now + random() * 20_000;
    world.engine.outage = { from, to: from + random() * (random() < 0.7 ? 20_000 : 150_000) };
  }
  const runs = ["v2", "v3", "v4"].map(async (version) => {
    await world.time.sleep(random() * 10_000);
    return harassed(world, version, random).start(version);
  });
  const settled = await world.time.run(Promise.allSettled(runs), 7_200_000);
  return {
    world,
    outcomes: settled.map((one) => (one.status === "fulfilled" ? one.value?.outcome : String(one.reason?.code))),
  };
}

/** Killed, stopped for a while or cancelled at one of its steps, or left alone. */
function harassed(world: SimWorld, version: string, random: () => number): SimRunner {
  const at = Math.floor(random() * 18);
  const what = random();
  let steps = 0;
  const runner: SimRunner = world.runner(version, {
    onStep: () => {
      steps += 1;
      if (steps !== at) return;
      if (what < 0.3) runner.kill();
      else if (what < 0.5) runner.freeze(random() * 120_000);
      else if (what < 0.7) runner.cancel.abort();
    },
  });
  return runner;
}

function versionsOf({ engine }: SimWorld): string[] {
  const revisions = Object.values(engine.revisions()).flatMap((joined) => joined.split("+"));
  return [...new Set(revisions.map((revision) => revision.replace(/^\w+-/, "")))];
}

describe("whatever happens to three runs at once", () => {
  it("one whole release runs in the end, and each begin has its end", { timeout: 3_600_000 }, async () => {
    const first = SEED === undefined ? 0 : Number(SEED);
    for (let seed = first; seed < first + (SEED === undefined ? WORLDS : 1); seed++) {
      const { world, outcomes } = await happenings(seed);
      world.engine.outage = undefined;
      await world.runner("rescue").recover();
      const hint = `run it alone: BELAY_SEED=${seed} (${outcomes.join(", ")})`;
      const said = await world.time.run(current(world.runner("reader").target.store), 1_000);
      // A way back that failed is said to have failed; anything else is whole.
      if (said?.proven === true) expect(versionsOf(world), hint).toHaveLength(1);
      const { numbers } = readListing([...world.engine.records.keys()]);
      expect(
        [...numbers].filter(([, one]) => !one.begin || !one.end),
        hint,
      ).toEqual([]);
      expect((await world.runner("next").deploy("v9")).outcome, hint).toBe("succeeded");
      expect(versionsOf(world), hint).toEqual(["v9"]);
    }
  });
});
