import type { Instance, ObservedService } from "@belay/core";
import { expect, it } from "vitest";
import type { Workload } from "../workload.ts";
import { asItEnded } from "./as-it-ended.ts";

const running: Instance = {
  ...{ id: "1", title: "migrate-1", slot: "0", revision: "r", phase: "current", createdAt: 0, ready: true },
  containers: [{ name: "migrate", role: "main", digests: [], state: "running", restarts: 0, health: "none" }],
};

function ended(code: number, more: Partial<Instance> = {}): Instance {
  const containers = running.containers.map((one) => {
    return { ...one, state: "exited", lastExit: { code, oomKilled: false } } as const;
  });
  return { ...running, ready: false, phase: "history", endedBy: "self", containers, ...more };
}

const good = ended(0);

const shown = (instances: readonly Instance[], more: Partial<ObservedService> = {}): ObservedService => ({
  ...{ name: "migrate", kind: "Job", goal: "complete", desired: 1, wantedRevision: "r", conditions: [], instances },
  ...more,
});

function jobOf(more: { readonly deletionTimestamp?: string; readonly complete?: boolean } = {}): Workload {
  const { complete = false, ...metadata } = more;
  const conditions = complete ? [{ type: "Complete", status: "True" } as const] : [];
  return {
    ...{ apiVersion: "batch/v1", kind: "Job", metadata: { name: "migrate", ...metadata } },
    ...{ spec: {}, status: { conditions } },
  };
}

/** What the last one of these looks shows. */
function after(...looks: readonly (readonly [ObservedService, Workload | undefined])[]): ObservedService | undefined {
  const memory = new Map<string, ObservedService>();
  return looks.map(([service, job]) => asItEnded(memory, service, job)).at(-1);
}

const leaving = jobOf({ deletionTimestamp: "2026-01-01T00:00:00Z" });
const draining: Instance = { ...good, phase: "draining" };
const done = [shown([good]), jobOf()] as const;

it.each([
  ["that is gone, before it was seen complete", [shown([]), undefined]],
  ["that is complete, and its pods are gone", [shown([]), jobOf({ complete: true })]],
  ["that is told to go, with its pods", [shown([draining]), leaving]],
  ["that is gone, with a plan that knew no number", [shown([], { desired: 3 }), undefined]],
] as const)("a Job %s is what it was when its work was done", (_, look) => {
  expect(after(done, look)).toEqual(shown([good]));
  expect(after(done, look, look)).toEqual(shown([good]));
});

it("a Job is what it was when its container had ended, and its pod was not called ended yet", () => {
  const { endedBy: _, ...current } = ended(0, { phase: "current" });
  expect(after([shown([current]), jobOf()], [shown([]), undefined])).toEqual(shown([current]));
});

it.each([
  ["whose pod still ran", [running], leaving],
  ["whose pod failed", [ended(1)], jobOf()],
  ["whose pod ended well because it was told to go", [draining], leaving],
  ["whose pod ended with its node", [ended(0, { endedBy: "node" })], jobOf()],
  ["whose pods were of another revision", [ended(0, { revision: "other" })], jobOf()],
] as const)("a Job %s is missing once it is gone", (_, instances, job) => {
  expect(after([shown(instances), job], [shown([]), undefined])).toEqual(shown([]));
});

it("a Job of which some pods have not ended yet is missing once it is gone", () => {
  const two = shown([good, { ...running, id: "2" }], { desired: 2 });
  const gone = shown([], { desired: 2 });
  expect(after([two, jobOf()], [gone, undefined])).toEqual(gone);
});

it("a Job that was made anew is looked at as it is", () => {
  expect(after(done, [shown([]), undefined], [shown([running]), jobOf()])).toEqual(shown([running]));
  expect(after(done, [shown([]), jobOf()])).toEqual(shown([]));
});

it("a Job of another revision, or another workload, is looked at as it is", () => {
  const other = shown([], { wantedRevision: "other" });
  expect(after(done, [other, undefined])).toEqual(other);
  const [web, gone] = [shown([good], { kind: "Deployment" }), shown([], { kind: "Deployment" })];
  expect(after([web, undefined], [gone, undefined])).toEqual(gone);
});
