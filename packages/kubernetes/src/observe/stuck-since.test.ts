import { type Instance, type ObservedService, withPermit } from "@belay/core";
import { createTestLog } from "@belay/testkit";
import { expect, test } from "vitest";
import type { ObjectKey } from "../kubernetes-object.ts";
import type { TargetState } from "../target-state.ts";
import type { Pod } from "./pod.ts";
import { removeStuckSince, StuckSince } from "./stuck-since.ts";

const KEY: ObjectKey = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" };
const CRASHED = { state: { waiting: { reason: "CrashLoopBackOff" } } };
const HANGS = { state: { running: {} } };
const never = new AbortController().signal;

function podOf(name: string, shown: object): Pod {
  const owner = { ...KEY, uid: "db", controller: true };
  const status = { name: "db", ready: false, restartCount: 0, imageID: "", ...shown };
  return {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name, uid: name, ownerReferences: [owner] } },
    spec: { containers: [{ name: "db" }], nodeName: "node1" },
    status: { phase: "Running", conditions: [], containerStatuses: [status] },
  };
}

function instanceOf(id: string, more: Partial<Instance> = {}): Instance {
  const facts = { id, title: id, slot: id, revision: "old", phase: "current", createdAt: 0, ready: false } as const;
  return { ...facts, containers: [], ...more };
}

/** A run that has changed `db`, and looks at these pods. Each look is told what it has removed. */
function lookOf(
  pods: readonly Pod[],
  instances: readonly Instance[],
  { startMs, conditions = [] }: { startMs?: number; conditions?: ObservedService["conditions"] } = {},
) {
  let gone: string[] = [];
  let now = 0;
  const remove = async ({ name }: ObjectKey) => {
    if (name === "kept") throw new Error("admission webhook denied the request");
    gone.push(name);
  };
  const state = {
    api: { remove },
    options: { log: createTestLog(), clock: { now: () => now } },
    freed: new Map([["db", new StuckSince(startMs)]]),
    keyOf: () => KEY,
  } as unknown as TargetState;
  const facts = { kind: "StatefulSet", goal: "run", desired: 2, wantedRevision: "new" } as const;
  const services = ["db", "others"].map((name) => ({ ...facts, name, conditions, instances }));
  return async (at = 0): Promise<readonly string[]> => {
    now = at;
    gone = [];
    await removeStuckSince(state, services, new Map([["Pod", pods]]), never);
    return gone;
  };
}

test("of what is not to stay, a pod that has broken since the change is removed", async () => {
  const names = ["broken", "ready", "leaves", "right", "unseen", "hangs"];
  const pods = names.map((name) => podOf(name, name === "hangs" ? HANGS : CRASHED));
  const look = lookOf(pods, [
    ...[instanceOf("broken"), instanceOf("ready", { ready: true }), instanceOf("leaves", { phase: "draining" })],
    ...[instanceOf("right", { revision: "new" }), instanceOf("unseen", { revision: "unknown-1" }), instanceOf("hangs")],
  ]);
  expect(await look()).toEqual(["broken"]);
  expect(await look(1e9)).toEqual(["broken"]);
});

test("one that hangs is removed when it has hung as long as a pod may", async () => {
  const instances = [instanceOf("hangs")];
  const look = lookOf([podOf("hangs", HANGS)], instances, { startMs: 10_000 });
  expect([await look(0), await look(9_999), await look(10_000)]).toEqual([[], [], ["hangs"]]);
  instances[0] = instanceOf("hangs", { ready: true });
  expect(await look(20_000)).toEqual([]);
  instances[0] = instanceOf("hangs");
  expect([await look(21_000), await look(30_000), await look(31_000)]).toEqual([[], [], ["hangs"]]);
});

test("nothing is removed of what somebody else changes, nor by a run that may change nothing any more", async () => {
  const pods = [podOf("broken", CRASHED)];
  const instances = [instanceOf("broken")];
  expect(await lookOf(pods, instances, { conditions: [{ type: "drifted", message: "" }] })()).toEqual([]);
  const refuse = (): never => {
    throw new Error("fenced");
  };
  expect(await withPermit(refuse, lookOf(pods, instances))).toEqual([]);
});

test("a look does not fail because a pod can't be removed", async () => {
  expect(await lookOf([podOf("kept", CRASHED)], [instanceOf("kept")])()).toEqual([]);
});
