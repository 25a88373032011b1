import { describe, expect, it } from "vitest";
import { hasField, projectObject, unionOf } from "./fields-v1.ts";

const DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", labels: { mine: "1", others: "2" }, uid: "u" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      spec: {
        containers: [
          { name: "web", image: "a", ports: [{ containerPort: 80, protocol: "TCP", name: "http" }], args: ["-v", "x"] },
          { name: "sidecar", image: "b" },
        ],
      },
    },
  },
};

describe("a set of fields", () => {
  const fields = {
    "f:metadata": { "f:labels": { ".": {}, "f:mine": {}, "f:gone": {} } },
    "f:spec": {
      "f:selector": {},
      "f:template": {
        "f:spec": {
          "f:containers": {
            'k:{"name":"web"}': {
              ".": {},
              "f:name": {},
              "f:args": {},
              "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
            },
            'k:{"name":"never"}': { "f:image": {} },
          },
        },
      },
    },
  };

  it("takes out of an object what it names, and what names the object", () => {
    expect(projectObject(DEPLOYMENT, fields)).toEqual({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "shop", labels: { mine: "1" } },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: {
          spec: { containers: [{ name: "web", args: ["-v", "x"], ports: [{ containerPort: 80, protocol: "TCP" }] }] },
        },
      },
    });
  });

  it("knows values of sets and indexes", () => {
    const object = { apiVersion: "v1", kind: "A", metadata: { name: "a", finalizers: ["x", "y"] }, list: [1, 2, 3] };
    expect(
      projectObject(object, { "f:metadata": { "f:finalizers": { 'v:"y"': {} } }, "f:list": { "i:1": {} } }),
    ).toEqual({
      apiVersion: "v1",
      kind: "A",
      metadata: { name: "a", finalizers: ["y"] },
      list: [2],
    });
  });

  it("of nothing is only the name", () => {
    const nothing = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "shop" } };
    expect(projectObject(DEPLOYMENT, { "f:none": {} })).toEqual(nothing);
    expect(projectObject(DEPLOYMENT, {})).toEqual(nothing);
  });

  it("can be united with another, and asked", () => {
    const both = unionOf({ "f:spec": { "f:a": {} } }, { "f:spec": { "f:b": { "f:c": {} } } });
    expect(both).toEqual({ "f:spec": { "f:a": {}, "f:b": { "f:c": {} } } });
    expect(hasField(both, "spec", "b", "c")).toBe(true);
    expect(hasField(both, "spec", "c")).toBe(false);
  });
});
