import { expect, test } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { bareObject, markOperations, restoredMarks } from "./metadata-patch.ts";

const object = (metadata: object): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata },
});
const marks = { labels: { "belay.dev/deployment": "2" }, annotations: {} };

test("marks are added, with a place for them where there is none", () => {
  expect(markOperations(object({}), marks)).toEqual([
    { op: "add", path: "/metadata/labels", value: {} },
    { op: "add", path: "/metadata/labels/belay.dev~1deployment", value: "2" },
  ]);
  expect(markOperations(object({ labels: { "belay.dev/deployment": "2" } }), marks)).toEqual([]);
});

test("on the way back, marks that were not there go, and others' labels stay", () => {
  const live = object({ labels: { app: "web", "belay.dev/scope": "abc", "belay.dev/deployment": "3" } });
  const was = object({ labels: { app: "old", "belay.dev/deployment": "2" }, annotations: { note: "x" } });
  const wanted = restoredMarks(was, { labels: {}, annotations: { "belay.dev/restored-by": "3" } });
  expect(wanted).toEqual({ labels: { "belay.dev/deployment": "2" }, annotations: { "belay.dev/restored-by": "3" } });
  expect(markOperations(live, wanted, { exactly: true })).toEqual([
    { op: "add", path: "/metadata/labels/belay.dev~1deployment", value: "2" },
    { op: "remove", path: "/metadata/labels/belay.dev~1scope" },
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/belay.dev~1restored-by", value: "3" },
  ]);
});

test("an object is made again without what only the old one had", () => {
  const was = object({ uid: "u", resourceVersion: "1", generation: 4, managedFields: [], labels: { app: "web" } });
  expect(JSON.parse(JSON.stringify(bareObject({ ...was, status: { replicas: 1 } })))).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels: { app: "web" }, annotations: {} },
  });
});
