import { describe, expect, it, test } from "vitest";
import { desiredOf, type PodTemplate, parseWorkload, revisionOf, type Workload } from "./workload.ts";

test.each([
  ["web", "Deployment", "web"],
  ["deployment/web", "Deployment", "web"],
  ["deployments.apps/web", "Deployment", "web"],
  ["deploy/web", "Deployment", "web"],
  ["sts/db", "StatefulSet", "db"],
  ["StatefulSet/db", "StatefulSet", "db"],
  ["ds/agent", "DaemonSet", "agent"],
  ["cronjob/nightly", "CronJob", "nightly"],
  ["job/migrate", "Job", "migrate"],
])("%s is the %s %s", (text, kind, name) => {
  expect(parseWorkload(text)).toMatchObject({ kind, name });
});

test.each(["pod/web", "replicaset/web", "a/b/c"])("%s is no workload", (text) => {
  expect(parseWorkload(text)).toBeUndefined();
});

describe("a revision", () => {
  const template: PodTemplate = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "a" }] },
  };

  it("is the same for the copies that the controllers keep", () => {
    const copy = {
      ...template,
      metadata: { creationTimestamp: null, labels: { app: "web", "pod-template-hash": "9b5" } },
    };
    expect(revisionOf(copy)).toBe(revisionOf(template));
  });

  it("is another one for any other field", () => {
    const env = [{ name: "A", value: "1" }];
    const others: PodTemplate[] = [
      { ...template, spec: { containers: [{ name: "web", image: "b" }] } },
      { ...template, spec: { containers: [{ name: "web", image: "a", env }] } },
      { ...template, metadata: { labels: { app: "web", tier: "front" } } },
    ];
    expect(new Set([template, ...others].map(revisionOf)).size).toBe(4);
  });
});

test.each<[string, Partial<Workload["spec"]>, Workload["status"], number]>([
  ["Deployment", { replicas: 0 }, {}, 0],
  ["Deployment", {}, {}, 1],
  ["StatefulSet", { replicas: 3 }, {}, 3],
  ["DaemonSet", {}, { desiredNumberScheduled: 5 }, 5],
  ["Job", {}, {}, 1],
  ["Job", { completions: 4, parallelism: 2 }, {}, 4],
  ["Job", { completions: 4, suspend: true }, {}, 0],
  ["CronJob", {}, {}, 0],
])("a %s with %j wants %i pods", (kind, spec, status, desired) => {
  expect(desiredOf({ apiVersion: "v1", kind, metadata: { name: "web" }, spec, status: status ?? {} })).toBe(desired);
});
