import { describe, expect, it } from "vitest";
import { readListing } from "../ledger/record-names.ts";
import { STEPS, type Step } from "../steps.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

interface Trial {
  readonly world: SimWorld;
  readonly victim: SimRunner;
  readonly reached: boolean;
}

type Kind = "deploy" | "rollback";

/**
 * A run to which something happens as it comes to a step for the `nth` time: of `v2` after `v1`, or back to `v2` after `v1`
 * was deployed over it.
 */
async function trial(
  step: Step,
  nth: number,
  bad: boolean,
  happen: (victim: SimRunner) => void,
  kind: Kind = "deploy",
): Promise<Trial> {
  const world = new SimWorld();
  if (kind === "rollback") await world.deployed("v2");
  await world.deployed("v1");
  if (bad) world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 700 });
  let seen = 0;
  const victim: SimRunner = world.runner("victim", {
    onStep: (now) => {
      if (now === step) seen += 1;
      if (now === step && seen === nth) happen(victim);
    },
  });
  await world.time.run(kind === "deploy" ? victim.start("v2") : victim.startRollback("1"), LIMIT_MS);
  return { world, victim, reached: seen >= nth };
}

/** One whole release runs, and each begin has its end. */
function expectWhole({ engine }: SimWorld): void {
  const versions = new Set(Object.values(engine.revisions()).map((revision) => revision.replace(/^\w+-/, "")));
  expect([...versions]).toHaveLength(1);
  expect(["v1", "v2"]).toContain([...versions][0]);
  const { numbers } = readListing([...engine.records.keys()]);
  for (const [number, records] of numbers) expect([number, records.begin, records.end]).toEqual([number, true, true]);
}

const FORWARD: readonly Step[] = [
  "survey",
  "plan",
  "preflight",
  "snapshot",
  "begin",
  "baseline",
  "act",
  "watch",
  "read back",
  "end",
  "compact",
];
const BACK: readonly Step[] = [
  "dossier",
  "restoration",
  "restore baseline",
  "restore act",
  "restore watch",
  "read back",
  "end",
  "compact",
];
const RECOVERY: readonly Step[] = [
  "survey",
  "takeover",
  "load snapshot",
  "restoration",
  "restore baseline",
  "restore act",
  "restore watch",
  "read back",
  "end recovered",
  "end",
];

/** What a rollback does besides. */
const CHOICE: readonly Step[] = ["choose", "load snapshot"];

it("knows every step that there is", () => {
  expect([...new Set([...CHOICE, ...FORWARD, ...BACK, ...RECOVERY, "supersede", "confirm"])].sort()).toEqual(
    [...STEPS].sort(),
  );
});

describe("a run that is killed", () => {
  const cases = [
    ...FORWARD.flatMap((step) => [1, 2].map((nth) => ({ step, nth, bad: false }))),
    ...BACK.flatMap((step) => [1, 2].map((nth) => ({ step, nth, bad: true }))),
  ];

  it.each(cases)("at $step ($nth), bad release: $bad, is put right by the next", async ({ step, nth, bad }) => {
    const { world, reached } = await trial(step, nth, bad, (victim) => victim.kill());
    if (nth === 1) expect(reached).toBe(true);
    await world.runner("rescue").recover();
    expectWhole(world);
    const next = await world.runner("next").deploy("v3");
    expect(next).toMatchObject({ outcome: "succeeded", recovered: [] });
  });

  const rollbacks = [
    ...[...CHOICE, ...FORWARD].map((step) => ({ step, bad: false })),
    ...BACK.map((step) => ({ step, bad: true })),
  ];

  it.each(rollbacks)("on a rollback, at $step, bad old release: $bad, is put right", async ({ step, bad }) => {
    const { world, reached } = await trial(step, 1, bad, (victim) => victim.kill(), "rollback");
    expect(reached).toBe(true);
    await world.runner("rescue").recover();
    expectWhole(world);
    expect(await world.runner("next").deploy("v3")).toMatchObject({ outcome: "succeeded", recovered: [] });
  });

  it.each(RECOVERY)("while it recovers, at %s, is put right by the one after", async (step) => {
    const { world } = await trial("act", 2, false, (victim) => victim.kill());
    const rescue: SimRunner = world.runner("rescue", {
      onStep: (now) => {
        if (now === step) rescue.kill();
      },
    });
    expect(await world.time.run(rescue.start("v3"), LIMIT_MS)).toBeUndefined();
    await world.runner("second rescue").recover();
    expectWhole(world);
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
  });

  it.each([
    ["just before it asks another to stop, is missed by nobody", "step", "succeeded", "v2"],
    ["just after it asked another to stop, leaves what that one put back", "asking", "superseded", "v1"],
  ] as const)("%s", async (_, kind, outcome, version) => {
    const world = new SimWorld();
    await world.deployed("v1");
    world.engine.behaviours.set("web-v2", { kind: "good", startMs: 15_000 });
    const victim: SimRunner = world.runner("victim", {
      isOlder: async () => false,
      onEvent: (event) => {
        if (event.kind === kind && (event.kind !== "step" || event.step === "supersede")) victim.kill();
      },
    });
    const late = world.time.sleep(1_000).then(() => victim.start("v3", { onLocked: "supersede" }));
    const both = Promise.all([world.runner("holder").start("v2"), late]);
    expect(await world.time.run(both, LIMIT_MS)).toMatchObject([{ outcome }, undefined]);
    expectWhole(world);
    expect(world.engine.revisions()).toEqual({ api: `api-${version}`, web: `web-${version}` });
    expect(await world.runner("next").deploy("v3")).toMatchObject({ outcome: "succeeded", recovered: [] });
  });

  it.each(["keep", "remove"] as const)(
    "in the first deployment ever, is taken back to nothing (%s)",
    async (policy) => {
      const world = new SimWorld();
      let acts = 0;
      const victim: SimRunner = world.runner("victim", {
        onStep: (step) => {
          if (step === "act") acts += 1;
          if (acts === 2) victim.kill();
        },
      });
      await world.time.run(victim.start("v1", { onFirstFailure: policy }), LIMIT_MS);
      expect(Object.keys(world.engine.revisions())).not.toEqual([]);
      expect(await world.runner("rescue").recover()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
      expect(world.engine.revisions()).toEqual({});
      expect(await world.runner("next").deploy("v2")).toMatchObject({ outcome: "succeeded", recovered: [] });
    },
  );

  it("is recovered at once when its process is known to have ended", async () => {
    const { world } = await trial("act", 2, false, (victim) => victim.kill());
    const before = world.time.now;
    const result = await world.runner("post", { isGone: async ({ run }) => run === "victim" }).recover();
    expect(result).toMatchObject({
      kind: "recovered",
      deployments: [2],
      by: 3,
      outcome: "rolled_back",
      holder: { run: "victim" },
    });
    expect(world.time.now - before).toBeLessThan(5_000);
  });

  it.each([
    ["which refuses what comes late, in half a life", true, 15_000, 22_000],
    ["which does not, in one", false, 30_000, 37_000],
  ] as const)("is recovered on an engine %s when only its CI calls it over", async (_, refusesStale, least, most) => {
    const { world } = await trial("act", 2, false, (victim) => victim.kill());
    const before = world.time.now;
    const next = world.runner("next", { isOver: async ({ run }) => run === "victim" });
    next.target.refusesStale = refusesStale;
    expect(await next.recover()).toMatchObject({ kind: "recovered", deployments: [2], outcome: "rolled_back" });
    expect(world.time.now - before).toBeGreaterThanOrEqual(least);
    expect(world.time.now - before).toBeLessThan(most);
  });
});

describe("a run that is cancelled", () => {
  const before: readonly Step[] = ["survey", "plan", "preflight", "snapshot", "begin", "baseline"];

  it.each(before)("at %s has touched nothing", async (step) => {
    const { world, victim } = await trial(step, 1, false, (one) => one.cancel.abort());
    expect(victim.events.at(-1)).toMatchObject({ kind: "ended", outcome: "cancelled" });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    expectWhole(world);
  });

  it.each([...CHOICE, ...before])("on a rollback, at %s, has touched nothing", async (step) => {
    const { world, victim } = await trial(step, 1, false, (one) => one.cancel.abort(), "rollback");
    expect(victim.events.at(-1)).toMatchObject({ kind: "ended", outcome: "cancelled" });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    expectWhole(world);
  });

  it.each(["act", "watch"] as const)("at the second %s is rolled back", async (step) => {
    const { world, victim } = await trial(step, 2, false, (one) => one.cancel.abort());
    expect(victim.events.at(-1)).toMatchObject({
      kind: "ended",
      outcome: "rolled_back",
      cause: { cause: "cancelled" },
    });
    expect(world.engine.revisions()).toEqual({ api: "api-v1", web: "web-v1" });
    expectWhole(world);
  });

  it.each(BACK)("on the way back, at %s, still comes to its end", async (step) => {
    const { world, victim } = await trial(step, 1, true, (one) => one.cancel.abort());
    expect(victim.events.at(-1)).toMatchObject({
      kind: "ended",
      outcome: "rolled_back",
      cause: { cause: "crash_loop" },
    });
    expectWhole(world);
  });

  it("leaves the ledger open when the policy says so, and the next run recovers", async () => {
    const world = new SimWorld();
    await world.deployed("v1");
    const victim = world.runner("victim", {
      onStep: (step) => {
        if (step === "watch") victim.cancel.abort();
      },
    });
    const result = await victim.deploy("v2", { onCancel: "leave" });
    expect(result).toMatchObject({ outcome: "unverified", cause: { cause: "cancelled" }, leftOpen: true });
    expect(await world.runner("next").recover()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    expectWhole(world);
  });
});
