import { BelayError } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { current, history } from "../ledger/history.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

let world: SimWorld;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
});

function inTime<T>(work: Promise<T>): Promise<T> {
  return world.time.run(work, LIMIT_MS);
}

async function lastEnd({ target }: SimRunner) {
  return (await inTime(history(target.store)))[0]?.end;
}

/** Its baseline can't be taken. */
function blind(runner: SimRunner): SimRunner {
  const error = new BelayError("ENGINE_ERROR", { doing: "looking", got: "no such thing" });
  runner.target.observe = async () => Promise.reject(error);
  return runner;
}

describe("a deployment that begins and changes nothing", () => {
  it("because it is cancelled, says what it has read, and proves nothing anew", async () => {
    const runner = world.runner("second", { onStep: (step) => void (step === "act" && runner.cancel.abort()) });
    const { outcome, report } = await runner.deploy("v2");
    expect([outcome, report.running.map((one) => one.revision)]).toEqual(["cancelled", ["api-v1", "web-v1"]]);
    const end = await lastEnd(runner);
    expect([end?.outcome, end?.runs, end?.running?.length]).toEqual(["cancelled", undefined, 2]);
    expect(await inTime(current(runner.target.store))).toMatchObject({ deployment: 1, proven: true });
  });

  it("because the engine refuses the first look, does so too", async () => {
    const runner = blind(world.runner("second"));
    expect((await runner.deploy("v2")).outcome).toBe("refused");
    const end = await lastEnd(runner);
    expect([end?.runs, end?.running?.map((one) => one.revision)]).toEqual([undefined, ["api-v1", "web-v1"]]);
  });

  it("does not hide what was changed by hand from the next one", async () => {
    const hand = world.engine.of("web");
    for (const { id } of hand) world.engine.remove(id);
    for (const { slot } of hand) world.engine.start("web", slot, "web-by-hand");
    await blind(world.runner("second")).deploy("v2");
    const { report } = await world.runner("third").deploy("v2");
    expect(report.findings).toMatchObject([{ level: "warn", check: "drifted" }]);
  });
});
