import { createTestLog } from "@belay/testkit";
import { expect, test } from "vitest";
import type { ObjectKey } from "../kubernetes-object.ts";
import type { TargetState } from "../target-state.ts";
import type { ContainerStatus, Pod } from "./pod.ts";
import { removeStuckPods } from "./remove-stuck-pods.ts";

const NOW = Date.parse("2026-01-01T00:10:00Z");
const KEY: ObjectKey = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" };
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

type State = Partial<ContainerStatus>;

/** A pod that has not been ready for so many seconds. */
function podOf(name: string, unreadyS: number, shown: State, isPlaced = true): Pod {
  const status = { name: "db", ready: false, restartCount: 0, imageID: "", ...shown };
  const ready = { type: "Ready", status: "False", lastTransitionTime: ago(unreadyS) } as const;
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "db", controller: true };
  return {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name, uid: name, ownerReferences: [owner] } },
    spec: { containers: [{ name: "db" }], ...(isPlaced ? { nodeName: "node1" } : {}) },
    status: { phase: "Running", conditions: [ready], containerStatuses: [status] },
  };
}

async function removed(pods: readonly Pod[], startMs?: number): Promise<readonly string[]> {
  const gone: string[] = [];
  const api = {
    now: () => NOW,
    list: async (_: string, __: string, { fieldSelector }: { fieldSelector: string }) => ({
      items: pods.filter(({ metadata }) => fieldSelector === `metadata.name=${metadata.name}`),
    }),
    remove: async ({ name }: ObjectKey) => void gone.push(name),
  };
  const view = new Map([["Pod", pods]]);
  const state = { api, options: { log: createTestLog() }, watch: { read: async () => view } };
  const terms = { revision: "new", ...(startMs === undefined ? {} : { startMs }) };
  await removeStuckPods(state as unknown as TargetState, KEY, terms, new AbortController().signal);
  return gone;
}

const running: State = { state: { running: { startedAt: ago(20) } } };
const COMING = [
  podOf("comes-up", 20, { state: { waiting: { reason: "ContainerCreating" } } }),
  podOf("catches-up", 20, {
    ...running,
    restartCount: 7,
    lastState: { terminated: { exitCode: 255, finishedAt: ago(20) } },
  }),
];
const STUCK = [
  podOf("hangs", 60, running),
  podOf("crashes", 30, { ...running, lastState: { terminated: { exitCode: 1, finishedAt: ago(25) } } }),
  podOf("waits", 5, { state: { waiting: { reason: "CrashLoopBackOff" } } }),
  podOf("ended", 5, { state: { terminated: { exitCode: 1 } } }),
  podOf("nowhere", 5, {}, false),
];

test("on the way forward only what shows that it stays as it is, or had its time, is removed", async () => {
  expect(await removed([...COMING, ...STUCK], 60_000)).toEqual(["hangs", "crashes", "waits", "ended", "nowhere"]);
});

test("on the way back no pod of the release that goes is waited for", async () => {
  const names = [...COMING, ...STUCK].map(({ metadata }) => metadata.name);
  expect(await removed([...COMING, ...STUCK])).toEqual(names);
});
