import type { Leftover } from "@belay/core";
import { expect, it } from "vitest";
import { SimWorld } from "../testing/sim-world.ts";

const OLD: Leftover = {
  ...{ what: "the container shop-web-1", service: "web", command: "docker rm --force shop-web-1" },
  why: "removing a container: the Docker engine answered 500: device or resource busy.",
};

async function secondRun(bad: boolean) {
  const world = new SimWorld();
  await world.deployed("v1");
  if (bad) world.engine.behaviours.set("web-v2", { kind: "crash", afterMs: 700 });
  const runner = world.runner("second");
  runner.target.leftBehind = [OLD];
  return runner.deploy("v2");
}

it("what could not be cleared away is told beside a success, with the command to remove it", async () => {
  const { outcome, report } = await secondRun(false);
  expect(outcome).toBe("succeeded");
  const message =
    "the container shop-web-1 stays behind: removing a container: the Docker engine answered 500: device or resource busy.";
  const remedy = "The release is no worse for it. Remove it by hand: docker rm --force shop-web-1";
  expect(report.findings).toEqual([{ level: "warn", check: "left_behind", service: "web", message, remedy }]);
  expect(report.advice).toEqual([
    { title: "Remove the container shop-web-1", command: OLD.command },
    { title: "Look", command: "look --here" },
  ]);
});

it("nothing is told of it when the release is taken off", async () => {
  const { outcome, report } = await secondRun(true);
  expect(outcome).toBe("rolled_back");
  expect(report.findings).toEqual([]);
});
