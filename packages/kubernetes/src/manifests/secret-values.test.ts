import { Redactor } from "@belay/core";
import { expect, test } from "vitest";
import type { KubernetesObject } from "../kubernetes-object.ts";
import { parseManifests } from "./parse-manifests.ts";
import { secretValues } from "./secret-values.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** As the target reads them. */
function bodiesOf(text: string): readonly KubernetesObject[] {
  const source = { title: "secret.yaml", text, fromKustomize: true };
  const { manifests, problems } = parseManifests(source, { variables: {}, secrets: {} });
  expect(problems).toEqual([]);
  return manifests.map(({ body }) => body);
}

const secret = (values: string): string => `apiVersion: v1\nkind: Secret\nmetadata: { name: shop-db }\n${values}\n`;

function redact(manifests: string, text: string, open: unknown = []): string {
  const redactor = new Redactor();
  for (const value of secretValues(bodiesOf(manifests), open)) redactor.add(value);
  return redactor.redact(text);
}

test.each([
  ["data", secret(`data: { password: ${base64("correct/horse battery")} }`)],
  ["stringData", secret('stringData: { password: "correct/horse battery" }')],
  [
    "a List",
    `kind: List\napiVersion: v1\nitems:\n- ${secret(`data: { p: ${base64("correct/horse battery")} }`).replaceAll("\n", "\n  ")}`,
  ],
])("a value of %s is known, as text and in base64", (_name, manifests) => {
  expect(redact(manifests, "postgres://u:correct%2Fhorse%20battery@db")).toBe("postgres://u:***@db");
  expect(redact(manifests, `password: ${base64("correct/horse battery")}.`)).toBe("password: ***.");
});

test("lines of a file in a Secret are known, and bytes that are no text", () => {
  const key = "-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n";
  const bytes = Buffer.from([0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xf0]).toString("base64");
  const manifests = secret(`data: { "tls.key": ${base64(key)}, raw: "${bytes}" }`);
  expect(redact(manifests, `x abcdefghijkl ${bytes} y`)).toBe("x *** *** y");
});

test("bytes that are no text are looked for in base64 alone", () => {
  const bytes = Buffer.from([0xff, ...Buffer.from("keystore")]).toString("base64");
  expect(secretValues(bodiesOf(secret(`data: { "store.jks": ${bytes} }`)), [])).toEqual([bytes]);
});

test("short values, and what other objects say openly, leave the log readable", () => {
  const data = { port: "5432", level: "info", debug: "true", pin: "123", user: "postgres", database: "shop-orders\n" };
  const encoded = Object.entries(data).map(([name, value]) => `${name}: ${base64(value)}`);
  const workload = `apiVersion: apps/v1
kind: Deployment
metadata: { name: postgres }
spec: { template: { spec: { containers: [{ name: db, image: db, env: [{ name: DB, value: shop-orders }] }] } } }
`;
  const log = "info: postgres on 5432 has shop-orders, shop-db is true, 123";
  expect(redact(`${secret(`data: { ${encoded.join(", ")} }`)}---\n${workload}`, log)).toBe(log);
  const settings = secret(`data: { env: ${base64("production")}, url: ${base64("https://shop.example")} }`);
  const told = "shop-production is at https://shop.example/";
  expect(redact(settings, told, [{ environment: "shop-production" }, ["https://shop.example"]])).toBe(told);
});

test("a value that nobody says openly is known although it looks like a word", () => {
  expect(redact(secret(`data: { password: ${base64("postgres")} }`), "as postgres")).toBe("as ***");
});

test("what is in a ConfigMap is no secret", () => {
  expect(
    secretValues(bodiesOf("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { a: a-long-value }\n"), []),
  ).toEqual([]);
});
