import { expect, it } from "vitest";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { readRunning } from "./read-running.ts";
import type { TargetState } from "./target-state.ts";
import { type PodTemplate, revisionOf } from "./workload.ts";

const template = (image: string, labels: object = {}): PodTemplate => ({
  metadata: { labels: { app: "web", ...labels } },
  spec: { containers: [{ name: "web", image }] },
});

function object(kind: string, name: string, more: { readonly metadata?: object; readonly [key: string]: unknown }) {
  const { metadata, ...rest } = more;
  return { apiVersion: "apps/v1", kind, metadata: { name, uid: `${name}-uid`, ...metadata }, ...rest };
}

function owned(kind: string, name: string) {
  return { ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: `${name}-uid`, controller: true }] };
}

/** A ReplicaSet with a pod of it. */
function setOf(hash: string, image: string, ready: boolean): KubernetesObject[] {
  const labels = { "pod-template-hash": hash };
  return [
    object("ReplicaSet", `web-${hash}`, {
      metadata: { labels, ...owned("Deployment", "web") },
      spec: { template: template(image, labels) },
    }),
    object("Pod", `pod-${hash}`, {
      metadata: { labels, ...owned("ReplicaSet", `web-${hash}`) },
      spec: { containers: [{ name: "web", image }] },
      status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
    }),
  ] as KubernetesObject[];
}

async function read(objects: readonly KubernetesObject[]) {
  const view = Map.groupBy(objects, (one) => one.kind);
  const state = {
    options: { scope: { target: "kubernetes" }, services: {} },
    services: ["web"],
    kindsFor: () => [],
    keyOf: () => ({ apiVersion: "apps/v1", kind: "Deployment", name: "web" }),
    watch: { read: async () => view },
  };
  const [web] = await readRunning(state as unknown as TargetState);
  return web;
}

const deployment = object("Deployment", "web", { spec: { replicas: 1, template: template("web:2") } });
const [OLD, NEW] = [template("web:1"), template("web:2")].map(revisionOf);

it("shows what serves, and beside it what is to come up and does not", async () => {
  const stuck = await read([
    deployment as KubernetesObject,
    ...setOf("1", "web:1", true),
    ...setOf("2", "web:2", false),
  ]);
  expect(stuck).toMatchObject({ revision: OLD, wantedRevision: NEW, ready: 1 });
  const done = await read([deployment as KubernetesObject, ...setOf("2", "web:2", true)]);
  expect(done).toMatchObject({ revision: NEW, ready: 1 });
  expect(done).not.toHaveProperty("wantedRevision");
});
