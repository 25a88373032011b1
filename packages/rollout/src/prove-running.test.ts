import type { RunningService, Target, Wanted } from "@belay/core";
import { expect, test } from "vitest";
import { proveRunning } from "./prove-running.ts";
import type { Tenure } from "./tenure.ts";
import { POLICY, SimWorld } from "./testing/sim-world.ts";

const NONE: Wanted = { service: "web", goal: "run", desired: 0, revision: "web-v2", digests: [] };
const READ: RunningService = {
  ...{ service: "web", name: "web", image: "web", revision: "web-v2", digests: [], ready: 1, desired: 1 },
};

/** What is read back where none was wanted. */
function proven(wanted: Wanted, running: readonly RunningService[], direction: "forward" | "back") {
  const world = new SimWorld();
  const { ports } = world.runner("first");
  const target = { running: async () => running } as unknown as Target;
  const judged = { direction, wanted: [wanted], observation: undefined, tenure: {} as Tenure };
  return world.time.run(proveRunning({ ...ports, target }, POLICY, judged), 60_000);
}

test.each(["forward", "back"] as const)("none wanted: what runs is right by its revision, %s", async (direction) => {
  expect(await proven(NONE, [], direction)).not.toHaveProperty("cause");
  expect(await proven(NONE, [{ ...READ, revision: "web-v1", ready: 0 }], direction)).not.toHaveProperty("cause");
  // Somebody, or an autoscaler, has scaled it up.
  expect(await proven(NONE, [READ], direction)).not.toHaveProperty("cause");
  const other = { ...READ, revision: "web-v1" };
  expect(await proven(NONE, [other], direction)).toMatchObject({ cause: { cause: "drifted", service: "web" } });
  const removed = { ...NONE, revision: "none" };
  expect(await proven(removed, [READ], direction)).toMatchObject({ cause: { cause: "drifted", service: "web" } });
});
