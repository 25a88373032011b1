import type { Instance, ObservedService } from "@belay/core";
import { expect, test } from "vitest";
import { asRestored, type Snapshot } from "./snapshot.ts";

const instance = (id: string, revision: string, ready: boolean): Instance => ({
  ...{ id, title: id, slot: id, revision, phase: "current", createdAt: 0, ready, containers: [] },
});

/** A service of two tasks that goes back to a release of which so many were ready. */
function restored(ready: number, ...instances: readonly Instance[]) {
  const service = {
    service: "web",
    name: "web",
    goal: "run",
    spec: { Name: "web", TaskTemplate: {} },
    revision: "old",
    image: "",
    dependsOn: [],
  } as const;
  const snapshot: Snapshot = {
    ...{ schema: "belay.swarm-snapshot/v1", stack: "shop", whole: false, labelledDeployment: 0, networks: [] },
    services: [{ ...service, desired: 2, ready }],
  };
  const seen: ObservedService = {
    ...{ name: "web", kind: "replicated", goal: "run", desired: 2, wantedRevision: "old", conditions: [], instances },
  };
  const { desired, instances: judged } = asRestored(seen, snapshot);
  return [desired, ...judged.map(({ id }) => id)];
}

const OLD = [instance("old1", "old", true), instance("old2", "old", false)];
const BAD = instance("bad", "new", false);

test("no more is asked on the way back than was right before", () => {
  expect(restored(2, ...OLD, BAD)).toEqual([2, "old1", "old2", "bad"]);
  expect(restored(1, ...OLD, BAD)).toEqual([1, "old1", "bad"]);
});

test("where nothing was right, what recovers is not one too many, and what is to go still must go", () => {
  expect(restored(0, ...OLD, BAD)).toEqual([0, "bad"]);
});
