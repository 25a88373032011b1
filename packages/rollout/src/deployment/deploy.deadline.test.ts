import type { ExecutionStage } from "@belay/core";
import { beforeEach, describe, expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import { type SimRunner, SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

let world: SimWorld;
let runner: SimRunner;

beforeEach(async () => {
  world = new SimWorld();
  await world.deployed("v1");
  runner = world.runner("second");
});

async function newestEnd() {
  const [newest] = await world.time.run(history(runner.target.store), LIMIT_MS);
  return newest?.end;
}

describe("a deadline that passes while the engine answers", () => {
  it.each([7_900, 8_000, 8_003, 8_049, 8_050, 9_999])(
    "is called that, not an engine away (%d ms)",
    async (deadlineMs) => {
      world.engine.behaviours.set("web-v2", { kind: "never ready" });
      const result = await runner.deploy("v2", { deadlineMs });
      expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "timed_out" } });
      expect(result.cause?.detail).toContain("web");
    },
  );

  it("names the instances that came and went all the time, so that there was no stable window", async () => {
    const ask = runner.target.observe.bind(runner.target);
    runner.target.observe = async (wanted, signal) => {
      const seen = await ask(wanted, signal);
      const [first, second] = world.engine.of("web").filter(({ revision }) => revision === "web-v2");
      if (first !== undefined && second !== undefined) {
        world.engine.remove(first.id);
        world.engine.start("web", first.slot, "web-v2");
      }
      return seen;
    };
    const result = await runner.deploy("v2", { deadlineMs: 60_000 });
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "timed_out" } });
    expect(result.cause?.detail).toMatch(
      /^everything is right, and must stay so for [\d.]+ s more; web: after all its instances were there, (\d+) came \(the last: web-\d\), \1 went \(the last: web-\d\)$/,
    );
  });

  it("asks nothing that could only be cut off", async () => {
    world.engine.behaviours.set("web-v2", { kind: "never ready" });
    const ask = runner.target.observe.bind(runner.target);
    let asked = 0;
    runner.target.observe = (wanted, signal) => {
      asked += 1;
      return ask(wanted, signal);
    };
    await runner.deploy("v2", { deadlineMs: 8_000, onFailure: "keep" });
    const judged = runner.events.filter((event) => event.kind === "observed").length;
    expect(asked).toBe(1 + judged); // The first one is the baseline.
  });

  it("on the way back ends the deployment, so that the next one can go on", async () => {
    world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 2_700 });
    world.engine.behaviours.set("web-v1", { kind: "never ready" });
    const result = await runner.deploy("v2", { deadlineMs: 8_000 });
    expect(result).toMatchObject({ outcome: "rollback_failed", cause: { cause: "timed_out" }, leftOpen: false });
    expect(await world.runner("third").deploy("v3")).toMatchObject({ outcome: "succeeded", recovered: [] });
  });

  it("in the middle of a change is told by the stage that was at it", async () => {
    const plan = runner.target.execution.bind(runner.target);
    const hang: ExecutionStage["act"] = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    runner.target.execution = (...args) => {
      const { stages, ...rest } = plan(...args);
      return { ...rest, stages: stages.map((stage) => ({ ...stage, name: "pull", act: hang })) };
    };
    const result = await runner.deploy("v2", { deadlineMs: 8_000 });
    expect(result.cause).toEqual({ cause: "timed_out", detail: 'the stage "pull" was still at work' });
  });

  it("at the very first look is not an engine away either", async () => {
    const result = await runner.deploy("v2", { deadlineMs: 3 });
    expect(result).toMatchObject({ outcome: "timed_out", cause: { cause: "timed_out" } });
  });
});

describe("a recovery during which the engine was away for its whole deadline", () => {
  it("is ended when the engine answers again, and does not close the environment for ever", async () => {
    const victim: SimRunner = world.runner("victim", {
      onStep: (step) => {
        if (step === "watch") victim.kill();
      },
    });
    await world.time.run(victim.start("v2"), LIMIT_MS);
    const rescue = world.runner("rescue", {
      onStep: (step) => {
        if (step === "restore watch") world.engine.outage = { from: 0, to: world.time.now + 130_000 };
      },
    });
    expect(await rescue.recover()).toMatchObject({
      kind: "recovered",
      outcome: "rollback_failed",
      cause: { cause: "engine_unreachable" },
    });
    expect(await newestEnd()).toMatchObject({ outcome: "rollback_failed", runs: { proven: false } });
    expect(await world.runner("next").deploy("v3")).toMatchObject({ outcome: "succeeded", recovered: [] });
  });
});

it("a recovery has time for what is slow to come up, however short the dead deployment's deadline was", async () => {
  const victim: SimRunner = world.runner("victim", {
    onStep: (step) => {
      // Nothing of the old release runs any more.
      if (step === "read back") victim.kill();
    },
  });
  await world.time.run(victim.start("v2", { deadlineMs: 8_000 }), LIMIT_MS);
  world.engine.behaviours.set("web-v1", { kind: "good", startMs: 15_000 });
  expect(await world.runner("rescue").recover()).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
});
