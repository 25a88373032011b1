import { BelayError, type Clock } from "@belay/core";
import { expect, test } from "vitest";
import { ApiError } from "../api/api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { KUBERNETES_ANNOTATIONS } from "../marks.ts";
import { removeObject } from "./remove-object.ts";

const scope = { target: "kubernetes", project: "shop", application: "shop", environment: "test" } as const;
const key = { apiVersion: "apps/v1", kind: "Deployment", name: "web" } as const;
const before: KubernetesObject = { ...key, metadata: { name: "web", uid: "1", resourceVersion: "7" } };
const marks = { labels: {}, annotations: { [KUBERNETES_ANNOTATIONS.restoredBy]: "3" } };

function refusal(code: number): ApiError {
  const status = { code, reason: "", message: "no", details: {} };
  return new ApiError("ENGINE_ERROR", status, { doing: "removing it", got: "no" });
}

/** Refuses so many removals; the object moves on with each look. Time passes only in pauses, which are noted. */
function removing(refusals: number, { code = 409, moved = {} as object } = {}) {
  const pauses: number[] = [];
  const asked: unknown[] = [];
  let looks = 0;
  const get = async (): Promise<KubernetesObject> => {
    looks++;
    return { ...before, metadata: { ...before.metadata, resourceVersion: `${6 + looks}`, ...(looks > 1 && moved) } };
  };
  const remove = async (_: unknown, { uid, resourceVersion }: { uid?: string; resourceVersion?: string }) => {
    asked.push([uid, resourceVersion]);
    if (asked.length <= refusals) throw refusal(code);
  };
  const clock = { sleep: async (milliseconds: number) => void pauses.push(milliseconds) } as unknown as Clock;
  const api = { get, remove } as unknown as KubernetesApi;
  const done = removeObject(api, scope, { key, before, marks, clock }, new AbortController().signal);
  return { done, asked, pauses };
}

test("what changed in the same moment is read again after a pause, and each pause is longer", async () => {
  const { done, asked, pauses } = removing(3);
  await done;
  expect(asked).toEqual([7, 8, 9, 10].map((version) => ["1", `${version}`]));
  expect(pauses).toHaveLength(3);
  expect(pauses[0]).toBeGreaterThan(0);
  expect(pauses[2]).toBeGreaterThan(pauses[0] ?? 0);
});

test("what changes all the time is told in the end", async () => {
  const { done, asked } = removing(1_000);
  await expect(done).rejects.toBeInstanceOf(BelayError);
  expect(asked).toHaveLength(30);
});

test("another refusal is final", async () => {
  const { done, asked, pauses } = removing(1, { code: 403 });
  await expect(done).rejects.toBeInstanceOf(ApiError);
  expect([asked, pauses]).toEqual([[["1", "7"]], []]);
});

test("another object of the same name that came meanwhile stays", async () => {
  const { done, asked } = removing(1, { moved: { uid: "2" } });
  await done;
  expect(asked).toEqual([["1", "7"]]);
});

test("what a later deployment put back meanwhile stays", async () => {
  const { done, asked } = removing(1, { moved: { annotations: { [KUBERNETES_ANNOTATIONS.restoredBy]: "4" } } });
  await expect(done).rejects.toMatchObject({ code: "FENCED" });
  expect(asked).toEqual([["1", "7"]]);
});
