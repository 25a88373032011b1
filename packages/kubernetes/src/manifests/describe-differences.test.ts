import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { describeDifferences } from "./describe-differences.ts";

const deployment = (spec: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata },
  spec,
  status: { replicas: 1 },
});
const pod = (...containers: object[]) => ({ template: { spec: { containers } } });

describe("differences", () => {
  it("are places, with values only of images and counts", () => {
    const from = deployment({
      replicas: 2,
      ...pod({ name: "web", image: "a", env: [{ name: "PASSWORD", value: "old" }] }),
    });
    const to = deployment({
      replicas: 3,
      ...pod({ name: "mesh", image: "m" }, { name: "web", image: "b", env: [{ name: "PASSWORD", value: "new" }] }),
    });
    const lines = describeDifferences(from, to);
    expect(lines).toEqual([
      "image web: a → b",
      "spec.replicas: 2 → 3",
      "spec.template.spec.containers[web].env[PASSWORD].value",
      "spec.template.spec.containers[mesh]",
    ]);
  });

  it("never show what a Secret or a ConfigMap holds", () => {
    const secret = (value: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      data: { key: value },
    });
    expect(describeDifferences(secret("b2xk"), secret("bmV3"))).toEqual(["data.key"]);
  });

  it("are none where only the API server, controllers or Belay itself wrote", () => {
    const from = deployment(pod(), { uid: "1", generation: 1, labels: { "belay.dev/deployment": "1" } });
    const to = deployment(pod(), {
      ...{ uid: "2", generation: 2, resourceVersion: "9", managedFields: [], labels: { "belay.dev/deployment": "2" } },
      annotations: { "deployment.kubernetes.io/revision": "3", "belay.dev/release": "x" },
    });
    expect(describeDifferences(from, to)).toEqual([]);
  });

  it("tell labels and annotations of others", () => {
    const to = deployment(pod(), { labels: { tier: "front" }, annotations: { "a/b": "c" } });
    expect(describeDifferences(deployment(pod()), to)).toEqual(["metadata.labels", "metadata.annotations"]);
  });

  it("are bounded", () => {
    const data = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, String(count)]));
    const config = (count: number) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c" },
      data: data(count),
    });
    const lines = describeDifferences(config(29), config(30));
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("… and 10 more");
  });
});
