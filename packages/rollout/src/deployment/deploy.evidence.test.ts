import { BelayError } from "@belay/core";
import { expect, it } from "vitest";
import { SimWorld } from "../testing/sim-world.ts";

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

it("the way back is prepared while the evidence is taken, and changes nothing before that is complete", async () => {
  const world = new SimWorld();
  await world.deployed("v1");
  world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 100 });
  const runner = world.runner("second");
  const { dossier, restoration } = runner.target;
  const order: string[] = [];
  const prepared = Promise.withResolvers<void>();
  runner.target.dossier = async (...args) => {
    await prepared.promise;
    const evidence = await dossier.apply(runner.target, args);
    order.push("evidence");
    return evidence;
  };
  runner.target.restoration = async (...args) => {
    const way = await restoration.apply(runner.target, args);
    const stages = way.stages.map((stage) => {
      const act = async (signal: AbortSignal): Promise<void> => {
        order.push(`act of ${stage.name}`);
        await stage.act(signal);
      };
      return { ...stage, act };
    });
    order.push("prepared");
    prepared.resolve();
    return { ...way, stages };
  };
  const { outcome, report } = await runner.deploy("v2");
  expect(outcome).toBe("rolled_back");
  expect(report.evidence).not.toEqual([]);
  expect(order.slice(0, 3)).toEqual(["prepared", "evidence", expect.stringMatching(/^act of /)]);
});
