import type { Observation, ProbeReading, Prober } from "@belay/core";
import { describe, expect, it } from "vitest";
import { SimWorld } from "../testing/sim-world.ts";

/** Answers from the last observation that it was told of. */
function proberOf(world: SimWorld, read: (observation: Observation) => ProbeReading[]): Prober {
  let last: Observation = { at: 0, services: [], probes: [] };
  return {
    follow: (observation) => {
      last = observation;
    },
    readings: () => read(last),
    changed: (signal) => world.time.sleep(700, signal),
    close: async () => undefined,
  };
}

function instancesOf(observation: Observation, revision: string) {
  const web = observation.services.find((one) => one.name === "web");
  return (web?.instances ?? []).filter((one) => one.revision === revision);
}

const TITLE = { title: "http GET /healthz", service: "web", detail: "status 500" };

describe("a deployment with probes", () => {
  it("is rolled back when the way in fails although the engine calls every instance healthy", async () => {
    const world = new SimWorld();
    await world.deployed("v1");
    const prober = proberOf(world, (seen) => [
      { ...TITLE, state: instancesOf(seen, "web-v1").length > 0 ? "passing" : "failing" },
    ]);
    const result = await world.runner("second", { prober }).deploy("v2");
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "probe_failed", service: "web" } });
    // The new ones were ready when it last passed, so that its failure is news: no start time is waited for.
    expect(result.report.durationMs).toBeLessThan(6_000);
    expect(world.engine.revisions().web).toBe("web-v1");
  });

  it("is rolled back at once when a new instance that passed fails", async () => {
    const world = new SimWorld();
    await world.deployed("v1");
    const since = world.time.now;
    const prober = proberOf(world, (seen) =>
      [...instancesOf(seen, "web-v1"), ...instancesOf(seen, "web-v2")].map((one) => ({
        ...TITLE,
        instance: one.id,
        state: one.revision === "web-v2" && world.time.now - since > 1_500 ? "failing" : "passing",
      })),
    );
    const result = await world.runner("second", { prober }).deploy("v2");
    expect(result).toMatchObject({ outcome: "rolled_back", cause: { cause: "probe_failed", instance: "web-1" } });
    expect(result.report.durationMs).toBeLessThan(6_000);
  });

  it("waits until every new instance has answered", async () => {
    const world = new SimWorld();
    await world.deployed("v1");
    const since = world.time.now;
    const prober = proberOf(world, (seen) =>
      instancesOf(seen, "web-v2").map((one) => ({
        ...TITLE,
        instance: one.id,
        state: world.time.now - since > 9_000 ? "passing" : "waiting",
      })),
    );
    const result = await world.runner("second", { prober }).deploy("v2");
    expect(result.outcome).toBe("succeeded");
    expect(result.report.durationMs).toBeGreaterThan(9_000);
  });
});
