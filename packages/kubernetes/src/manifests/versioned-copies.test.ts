import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { COPY_OF } from "../marks.ts";
import { podSpecOf } from "../pod-spec.ts";
import { manifestsOf } from "../testing/sample-manifests.ts";
import { makeVersioned } from "./versioned-copies.ts";

const config = (name: string, value = "1", more = "") =>
  `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}${more} }\ndata: { a: "${value}" }\n`;
const secret = (name: string) => `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\ndata: { a: eA== }\n`;
const deployment = (spec: string) =>
  `---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { ${spec} } } }\n`;

const versioned = (text: string, kustomize = false) =>
  makeVersioned(manifestsOf(text, kustomize)).map(({ body }) => body);
const named = (objects: readonly KubernetesObject[]) => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
const HASHED = expect.stringMatching(/^ConfigMap\/conf-[0-9a-f]{10}$/);

describe("ConfigMaps and Secrets that pods read", () => {
  it.each<[string, string, string]>([
    ["ConfigMap", "an environment", "containers: [{ name: a, envFrom: [{ configMapRef: { name: conf } }] }]"],
    [
      "ConfigMap",
      "one variable",
      "containers: [{ name: a, env: [{ name: A, valueFrom: { configMapKeyRef: { name: conf, key: a } } }] }]",
    ],
    ["ConfigMap", "an init container", "initContainers: [{ name: a, envFrom: [{ configMapRef: { name: conf } }] }]"],
    ["ConfigMap", "a volume", "volumes: [{ name: v, configMap: { name: conf } }]"],
    [
      "ConfigMap",
      "a projected volume",
      "volumes: [{ name: v, projected: { sources: [{ configMap: { name: conf } }] } }]",
    ],
    ["Secret", "an environment", "containers: [{ name: a, envFrom: [{ secretRef: { name: conf } }] }]"],
    [
      "Secret",
      "one variable",
      "containers: [{ name: a, env: [{ name: A, valueFrom: { secretKeyRef: { name: conf, key: a } } }] }]",
    ],
    ["Secret", "a volume", "volumes: [{ name: v, secret: { secretName: conf } }]"],
    ["Secret", "a projected volume", "volumes: [{ name: v, projected: { sources: [{ secret: { name: conf } }] } }]"],
    ["Secret", "a registry's password", "imagePullSecrets: [{ name: conf }]"],
  ])("%s: become copies for %s", (kind, _name, spec) => {
    const [copy, web] = versioned((kind === "Secret" ? secret("conf") : config("conf")) + deployment(spec));
    expect(copy).toMatchObject({ kind, immutable: true, metadata: { annotations: { [COPY_OF]: "conf" } } });
    expect(copy?.metadata.name).toMatch(/^conf-[0-9a-f]{10}$/);
    expect(JSON.stringify(podSpecOf(web as KubernetesObject))).toContain(`"${copy?.metadata.name}"`);
    expect(JSON.stringify(web)).not.toContain('"conf"');
  });

  const READS = deployment("containers: [{ name: a, envFrom: [{ configMapRef: { name: conf } }] }]");

  it("have the same name as long as the content is the same", () => {
    const [first] = versioned(config("conf") + READS);
    const [same] = versioned(READS + config("conf")).filter(({ kind }) => kind === "ConfigMap");
    const [other] = versioned(config("conf", "2") + READS);
    expect(same?.metadata.name).toBe(first?.metadata.name);
    expect(other?.metadata.name).not.toBe(first?.metadata.name);
  });

  it("stay under their own name, too, when something else names them", () => {
    const ingress = `---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: i }\nspec: { tls: [{ secretName: conf }] }\n`;
    const reads = deployment("volumes: [{ name: v, secret: { secretName: conf } }]");
    expect(named(versioned(secret("conf") + ingress + reads))).toEqual([
      expect.stringMatching(/^Secret\/conf-/),
      "Secret/conf",
      "Ingress/i",
      "Deployment/web",
    ]);
  });

  it("do not, when something else only has the same name", () => {
    const budget = `---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: conf }\nspec: { selector: { matchLabels: { app: conf } } }\n`;
    expect(named(versioned(config("conf") + budget + READS))).toEqual([
      HASHED,
      "PodDisruptionBudget/conf",
      "Deployment/web",
    ]);
  });

  it("don't when they are told not to, when no pod reads them, or when the pod reads one of another kind", () => {
    const told = config("conf", "1", `, annotations: { belay.dev/versioned: "false" }`);
    expect(named(versioned(told + READS))).toEqual(["ConfigMap/conf", "Deployment/web"]);
    expect(named(versioned(config("other") + READS))).toEqual(["ConfigMap/other", "Deployment/web"]);
    expect(named(versioned(secret("conf") + READS))).toEqual(["Secret/conf", "Deployment/web"]);
  });

  it("keep a name that kustomize has made from the content", () => {
    const text = (name: string) => config(name) + READS.replace("name: conf ", `name: ${name} `);
    expect(named(versioned(text("conf-5f8dk2m9hb"), true))[0]).toBe("ConfigMap/conf-5f8dk2m9hb");
    expect(named(versioned(text("conf-5f8dk2m9hb")))[0]).not.toBe("ConfigMap/conf-5f8dk2m9hb");
    expect(named(versioned(text("conf"), true))[0]).toEqual(HASHED);
  });

  it("that kustomize has generated are copies, which stay as long as others, and may be changed as it says", () => {
    const text = config("conf-5f8dk2m9hb") + READS.replace("name: conf ", "name: conf-5f8dk2m9hb ");
    const [copy] = versioned(text, true);
    expect(copy?.metadata.annotations).toEqual({ [COPY_OF]: "conf" });
    expect(copy).not.toHaveProperty("immutable");
    const told = text.replace("hb }", 'hb, annotations: { belay.dev/versioned: "false" } }');
    expect(versioned(told, true)[0]?.metadata.annotations).not.toHaveProperty(COPY_OF);
    expect(versioned(config("conf-5f8dk2m9hb"), true)[0]?.metadata).not.toHaveProperty("annotations");
  });
});

describe("Jobs", () => {
  const job = (name: string, image: string, more = "") =>
    `apiVersion: batch/v1\nkind: Job\nmetadata: { name: ${name}${more} }\nspec: { template: { spec: { containers: [{ name: a, image: ${image} }] } } }\n`;

  it("get a name of their own for each release", () => {
    const [a, b, c] = [job("migrate", "x"), job("migrate", "y"), job("migrate", "x")].map(
      (text) => versioned(text)[0]?.metadata.name,
    );
    expect(a).toMatch(/^migrate-[0-9a-f]{10}$/);
    expect(b).not.toBe(a);
    expect(c).toBe(a);
  });

  it("have names that fit into a label", () => {
    expect(versioned(job(`${"m".repeat(52)}-migrate`, "x"))[0]?.metadata.name).toMatch(/^m{52}-[0-9a-f]{10}$/);
  });

  it("keep their name when they are told to", () => {
    expect(named(versioned(job("migrate", "x", `, annotations: { belay.dev/versioned: "false" }`)))).toEqual([
      "Job/migrate",
    ]);
  });
});
