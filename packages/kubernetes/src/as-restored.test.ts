import type { Instance, ObservedService } from "@belay/core";
import { expect, test } from "vitest";
import { asRestored } from "./as-restored.ts";
import type { Snapshot, SnapshotObject } from "./snapshot.ts";

const instance = (id: string, revision: string, ready: boolean): Instance => ({
  ...{ id, title: id, slot: id, revision, phase: "current", createdAt: 0, ready, containers: [] },
});
const INSTANCES = [instance("old1", "old", true), instance("old2", "old", false), instance("bad", "new", false)];
const CONDITIONS: ObservedService["conditions"] = [
  { type: "unschedulable", message: "0/1 nodes are available" },
  { type: "quota", message: "full" },
];

/** A Deployment of two pods that goes back to a release of which so many were ready. */
function restored(more: Partial<SnapshotObject>, seen: Partial<ObservedService> = {}) {
  const key = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  const was = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } };
  const objects: readonly SnapshotObject[] = [{ key, verb: "apply", service: "web", was, desired: 2, ...more }];
  const snapshot: Snapshot = {
    ...{ schema: "belay.kubernetes-snapshot/v1", namespace: "shop", labelledDeployment: 1, at: 0, objects },
  };
  const service: ObservedService = {
    ...{ name: "web", kind: "Deployment", goal: "run", desired: 2, wantedRevision: "old" },
    ...{ conditions: CONDITIONS, instances: INSTANCES, ...seen },
  };
  const { desired, conditions, instances } = asRestored(service, snapshot);
  return [desired, ...conditions.map(({ type }) => type), ...instances.map(({ id }) => id)];
}

const ALL = [2, "unschedulable", "quota", "old1", "old2", "bad"];

test("what was whole must be so again, as must what an earlier Belay did not count", () => {
  expect(restored({ ready: 2 })).toEqual(ALL);
  expect(restored({})).toEqual(ALL);
  expect(restored({ ready: 1 }, { name: "other" })).toEqual(ALL);
});

test("no more is asked for than was ready, also when nothing was", () => {
  expect(restored({ ready: 1 })).toEqual([1, "quota", "old1", "bad"]);
  expect(restored({ ready: 0 })).toEqual([0, "quota", "bad"]);
  // It was scaled down meanwhile.
  expect(restored({ ready: 1 }, { desired: 0 })[0]).toBe(0);
});
