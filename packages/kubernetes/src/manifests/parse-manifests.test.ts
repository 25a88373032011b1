import { describe, expect, it } from "vitest";
import { parseManifests } from "./parse-manifests.ts";

const NOTHING = { variables: {}, secrets: {} };
const parse = (text: string, fillIn: Partial<Parameters<typeof parseManifests>[1]> = {}) =>
  parseManifests({ title: "k8s/a.yaml", text, fromKustomize: false }, { ...NOTHING, ...fillIn });
const config = (data: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n${data}`;
const dataOf = (data: string, fillIn = {}) => {
  const { manifests, problems } = parse(config(data), fillIn);
  expect(problems).toEqual([]);
  return manifests[0]?.body.data;
};

describe("manifests", () => {
  it("are read document by document, with their lines", () => {
    const { manifests, problems } = parse(
      `# nothing\n---\n${config("  a: b")}\n---\n---\n{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}}\n`,
    );
    expect(problems).toEqual([]);
    expect(manifests.map(({ body, place }) => [body.kind, body.metadata.name, place])).toEqual([
      ["ConfigMap", "a", "k8s/a.yaml:3"],
      ["Service", "b", "k8s/a.yaml:10"],
    ]);
  });

  it("are taken out of lists", () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- { apiVersion: v1, kind: Secret, metadata: { name: a } }\n- { apiVersion: v1, kind: Secret, metadata: { name: b } }\n`;
    expect(parse(list).manifests.map(({ body }) => body.metadata.name)).toEqual(["a", "b"]);
  });

  it("are YAML 1.1, as kubectl reads it", () => {
    const text = `  mode: 0644\n  on: yes\n  time: 12:30:00\n  day: 2026-11-26\n  hex: 0x10\n`;
    expect(dataOf(text)).toEqual({ mode: 420, true: true, time: "12:30:00", day: "2026-11-26", hex: 16 });
  });

  it("may have anchors and merge keys", () => {
    expect(dataOf("  a: &a { x: 1 }\n  b: { <<: *a, z: 2 }\n  c: *a\n")).toEqual({
      a: { x: 1 },
      b: { x: 1, z: 2 },
      c: { x: 1 },
    });
  });

  it.each([
    ["a key twice", "apiVersion: v1\nkind: A\nkind: B\n", "k8s/a.yaml:3: Map keys must be unique"],
    ["a tab", "apiVersion: v1\n\tkind: A\n", "k8s/a.yaml:2: "],
    ["no kind", "---\napiVersion: v1\n", "k8s/a.yaml:2: `kind` is missing"],
    ["a list", "- a\n", "k8s/a.yaml:1: it is no mapping with apiVersion, kind and metadata"],
    ["no metadata", "apiVersion: v1\nkind: A\n", "`metadata` of the A is missing"],
    ["no name", "apiVersion: v1\nkind: A\nmetadata: {}\n", "`metadata.name` of the A is missing"],
    ["a generated name", "apiVersion: batch/v1\nkind: Job\nmetadata: { generateName: a- }\n", "Give it `name`"],
    ["a number as namespace", "apiVersion: v1\nkind: A\nmetadata: { name: a, namespace: 1 }\n", "no text"],
  ])("with %s are refused with the place", (_name, text, message) => {
    const { manifests, problems } = parse(text);
    expect(manifests).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(message)]);
  });

  it("do not grow without bounds by aliases", () => {
    const levels = [..."bcdefgh"].map(
      (name, index) => `  ${name}: [${Array(9).fill(`*${"abcdefgh"[index]}`).join(", ")}]`,
    );
    const bomb = config(
      `  a: &a [x]\n${levels.map((line) => line.replace(/: \[/, (all) => `: &${line.trim()[0]} ${all.slice(2)}`)).join("\n")}`,
    );
    expect(() => parse(bomb)).toThrow(/alias/i);
  });
});

describe("variables in manifests", () => {
  const variables = { REPLICAS: "3", DEBUG: "true", HOST: "shop.example", EVIL: "a\nb: c" };

  it("are filled in where the name is known", () => {
    expect(
      dataOf(`  a: \${HOST}\n  b: "http://\${HOST}/\${OTHER}"\n  c: |\n    echo \${HOME} $\${HOST} \${HOST:-x}\n`, {
        variables,
      }),
    ).toEqual({
      a: "shop.example",
      b: `http://shop.example/\${OTHER}`,
      c: `echo \${HOME} \${HOST} \${HOST:-x}\n`,
    });
  });

  it("become numbers and booleans only without quotes", () => {
    expect(
      dataOf(`  a: \${REPLICAS}\n  b: "\${REPLICAS}"\n  c: \${DEBUG}\n  d: x\${REPLICAS}\n`, { variables }),
    ).toEqual({
      a: 3,
      b: "3",
      c: true,
      d: "x3",
    });
  });

  it("never change the structure", () => {
    expect(dataOf(`  a: \${EVIL}\n`, { variables })).toEqual({ a: "a\nb: c" });
  });
});

describe("secrets in manifests", () => {
  const secrets = { PASSWORD: 'hunter"2' };
  const secret = (key: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n${key}: { password: "\${PASSWORD}" }\n`;

  it("are filled in in stringData, which becomes data", () => {
    const { body } = parse(secret("stringData"), { secrets }).manifests[0] ?? {};
    expect(body?.data).toEqual({ password: Buffer.from('hunter"2').toString("base64") });
    expect(body).not.toHaveProperty("stringData");
  });

  it.each([
    ["a ConfigMap", config(`  a: "x\${PASSWORD}"\n`)],
    ["base64 data", secret("data")],
  ])("are refused in %s", (_name, text) => {
    const { manifests, problems } = parse(text, { secrets });
    expect(manifests).toEqual([]);
    expect(problems).toEqual([expect.stringContaining("Put it into `stringData` of a Secret and refer to that")]);
  });
});
