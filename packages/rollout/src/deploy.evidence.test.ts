import { BelayError } from "@belay/core";
import { expect, it } from "vitest";
import { SimWorld } from "./testing/sim-world.ts";

it("an act that the engine refuses half-way is told of with what it has left", async () => {
  const world = new SimWorld();
  await world.deployed("v1");
  world.engine.behaviours.set("web-v2", { kind: "never ready" });
  const runner = world.runner("second");
  const { execution } = runner.target;
  runner.target.execution = (plan, context) => {
    const way = execution.call(runner.target, plan, context);
    const [first, ...rest] = way.stages;
    if (first === undefined) return way;
    const act = async (signal: AbortSignal): Promise<void> => {
      await first.act(signal);
      throw new BelayError("ENGINE_ERROR", { doing: "starting web", got: "no such program" });
    };
    return { ...way, stages: [{ ...first, act }, ...rest] };
  };
  const { outcome, report } = await runner.deploy("v2");
  expect(outcome).toBe("rolled_back");
  expect(report.evidence.map((one) => one.service)).toEqual(["web", "web"]);
  expect(report.likelyCause).toContain("DATABASE_URL is missing");
});
