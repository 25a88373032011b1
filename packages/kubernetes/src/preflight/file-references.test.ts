import { expect, it } from "vitest";
import { fileReferences } from "./file-references.ts";

it("finds what variables, environments and volumes read, each once with all its keys", () => {
  const spec = {
    containers: [
      {
        name: "web",
        env: [
          { name: "PLAIN", value: "1" },
          { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } },
          { name: "TOKEN", valueFrom: { secretKeyRef: { name: "tokens", key: "api" } } },
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
        ],
        envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "X_", secretRef: { name: "environment" } }],
      },
    ],
    initContainers: [
      { name: "first", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "other" } } }] },
    ],
    volumes: [
      { name: "scratch", emptyDir: {} },
      { name: "a", configMap: { name: "files", items: [{ key: "nginx.conf", path: "nginx.conf" }] } },
      { name: "b", secret: { secretName: "certificate" } },
      {
        name: "c",
        projected: { sources: [{ secret: { name: "joined" } }, { serviceAccountToken: { path: "token" } }] },
      },
    ],
  };
  expect(fileReferences(spec)).toEqual([
    { kind: "ConfigMap", name: "settings", keys: ["level", "other"] },
    { kind: "Secret", name: "tokens", keys: ["api"] },
    { kind: "Secret", name: "environment", keys: [] },
    { kind: "ConfigMap", name: "files", keys: ["nginx.conf"] },
    { kind: "Secret", name: "certificate", keys: [] },
    { kind: "Secret", name: "joined", keys: [] },
  ]);
});

it("leaves out what may be missing", () => {
  const spec = {
    containers: [
      {
        name: "web",
        env: [{ name: "A", valueFrom: { secretKeyRef: { name: "a", key: "k", optional: true } } }],
        envFrom: [{ configMapRef: { name: "b", optional: true } }],
      },
    ],
    volumes: [{ name: "c", secret: { secretName: "c", optional: true } }],
  };
  expect(fileReferences(spec)).toEqual([]);
});
