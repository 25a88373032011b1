import { expect, it } from "vitest";
import { history } from "../ledger/history.ts";
import { SimWorld } from "../testing/sim-world.ts";

const LIMIT_MS = 3_600_000;

it("the begin names the services that run once, so that the ledger alone can tell of them", async () => {
  const world = new SimWorld();
  const newest = async () => (await world.time.run(history(world.runner("reader").target.store), LIMIT_MS))[0];
  await world.deployed("v1");
  expect((await newest())?.begin).not.toHaveProperty("once");

  const runner = world.runner("second");
  const { plan } = runner.target;
  runner.target.plan = async (...args) => {
    const planned = await plan.apply(runner.target, args);
    const once = { goal: "complete" } as const;
    return { ...planned, services: planned.services.map((one) => (one.service === "api" ? { ...one, ...once } : one)) };
  };
  expect(await runner.deploy("v2")).toMatchObject({ outcome: "succeeded" });
  expect((await newest())?.begin?.once).toEqual(["api"]);
});
