import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { keptOf, kinOf } from "./kept-object.ts";
import type { Pod } from "./pod.ts";
import { translatePod } from "./translate-pod.ts";

const state = { terminated: { exitCode: 3, reason: "Error", finishedAt: "2026-01-02T03:04:05Z" } };
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-1", uid: "u", labels: { a: "b" }, managedFields: [{ manager: "kubelet" }] },
  spec: {
    nodeName: "node1",
    containers: [{ name: "main", image: "web:1", env: [{ name: "A" }], livenessProbe: { periodSeconds: 1 } }],
    initContainers: [{ name: "proxy", image: "proxy:1", restartPolicy: "Always" }],
    volumes: [],
  },
  status: {
    phase: "Failed",
    reason: "Evicted",
    message: "out of disk",
    podIP: "10.0.0.1",
    hostIP: "10.1.0.1",
    conditions: [{ type: "Ready", status: "False", reason: "PodFailed", message: "it ended" }],
    containerStatuses: [
      { name: "main", ready: false, restartCount: 2, imageID: "web@sha256:1", state, lastState: state },
    ],
    initContainerStatuses: [{ name: "proxy", ready: true, restartCount: 0, imageID: "" }],
  },
};

/** What is kept of a copy, as each object that comes from the API server is one. */
function keep(object: KubernetesObject, before?: KubernetesObject, kin?: KubernetesObject): KubernetesObject {
  return keptOf(structuredClone(object), before, kin);
}

describe("a pod that is kept", () => {
  it("is as good as the whole one for the judge", () => {
    const place = { revision: "r", slot: "web-1" };
    expect(translatePod(keep(pod) as Pod, place, [])).toEqual(translatePod(pod, place, []));
  });

  it("has all that Belay looks at, and nothing else", () => {
    const { managedFields, ...metadata } = pod.metadata;
    const [main] = pod.spec.containers;
    expect(keep(pod)).toEqual({
      ...pod,
      metadata,
      spec: {
        nodeName: "node1",
        containers: [{ name: "main", image: main?.image, livenessProbe: main?.livenessProbe }],
        initContainers: pod.spec.initContainers,
      },
    });
  });
});

describe("pods of one kin", () => {
  const ready = (name: string, status: "True" | "False", owner = "set"): Pod => ({
    ...pod,
    metadata: {
      name,
      uid: name,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner }],
    },
    status: { ...pod.status, conditions: [{ type: "Ready", status }] },
  });

  it("are those of one owner in one state", () => {
    const kins = [ready("a", "True"), ready("a", "False"), ready("a", "True", "other"), pod].map(kinOf);
    expect(new Set(kins).size).toBe(4);
    expect(kinOf(ready("b", "True"))).toBe(kins[0]);
  });

  it("are in memory once, but for what tells them apart", () => {
    const first = keep(ready("a", "True")) as Pod;
    const second = keep(ready("b", "True"), undefined, first) as Pod;
    expect(second).toEqual(keep(ready("b", "True")));
    expect(second.spec).toBe(first.spec);
    expect(second.status).toBe(first.status);
    expect(second.metadata.ownerReferences).toBe(first.metadata.ownerReferences);
  });

  it("go on with what they had, where they have changed like others", () => {
    const before = keep(ready("a", "False")) as Pod;
    const kin = keep(ready("b", "True")) as Pod;
    const after = keep(ready("a", "True"), before, kin) as Pod;
    expect(after).toEqual(keep(ready("a", "True")));
    expect(after.metadata).toBe(before.metadata);
    expect(after.spec).toBe(before.spec);
    expect(after.status?.conditions).toBe(kin.status?.conditions);
  });
});

describe("a workload that is kept", () => {
  const deployment = (
    image: string,
    replicas = 1,
  ): KubernetesObject & { spec: { replicas: number; template: object } } => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { replicas, template: { spec: { containers: [{ name: "web", image }] } } },
  });

  it("goes on with the template that is known, while that is the same", () => {
    const known = deployment("web:1");
    const next = keep(deployment("web:1", 3), known, deployment("web:1", 3)) as typeof known;
    expect(next).toEqual(deployment("web:1", 3));
    expect(next.spec.template).toBe(known.spec.template);
  });

  it("has its own template when it is another one, or the first", () => {
    const next = deployment("web:2");
    expect(keptOf(next, deployment("web:1"), undefined)).toBe(next);
    expect(keptOf(next, undefined, undefined)).toBe(next);
    expect(next).toEqual(deployment("web:2"));
  });
});
