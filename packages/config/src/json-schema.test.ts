import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { change, EXAMPLE, parse, thrownBy } from "./example.fixture.ts";
import { configJsonSchema } from "./json-schema.ts";

const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  JSON.parse(configJsonSchema()),
);

const ENVIRONMENT = "    url: https://staging.shop.example\n";
const probe = (text: string) => change(["health:  [", `health:  [ { service: web, ${text} },`]);
const target = (text: string) =>
  change(["{ kind: compose, context: default, project: shop, files: [compose.yaml] }", text]);

const VALID: [string, string][] = [
  ["the example", EXAMPLE],
  ["no environments", "version: 1\napplication: a\nservices: { web: { image: web } }"],
  ["x- keys", `x-mine: [1]\n${EXAMPLE}`],
  ["a template in an address", change(["https://staging", `https://\${TAG}`])],
  ["a template that makes an image", change(["shop-{service}", `\${TAG}/x`])],
  ["numbers as variables", change(["TAG: x", "TAG: 1, B: true, C: { env: D, default: 2 }"])],
  ["statuses", probe("http: 'http://h/', status: [200, 3xx, '404']")],
  ["an instance's own address", probe("from: instance, http: 'http://:80/x'")],
  ["an IPv6 address", probe("tcp: '[::1]:80'")],
  ["a command", probe("from: instance, command: [a, '-b', '']")],
  ["no probes", "version: 1\napplication: a\nservices: { web: { image: web } }\nenvironments: { a: { health: [] } }"],
  ["a duration of nothing", change(["stable: 5s", "stable: 0"])],
  ["a compound duration", change(["start: 60s", "start: 1m30.5s"])],
  ["swarm", target("{ kind: swarm, stack: shop, files: [a.yml], host: ssh://x }")],
  ["kubernetes", target("{ kind: kubernetes, namespace: shop }")],
  ["manifests", target("{ kind: kubernetes, kubeconfig: k, context: c, files: [k8s, a.yaml] }")],
  ["a hook", change(["crashes: 2", "shift: { service: proxy, command: [nginx, -s, reload] }"])],
  [
    "all of rollout",
    change([
      "crashes: 2",
      "drain: 1s, on-first-failure: remove, on-cancel: leave, on-locked: supersede, allow-no-way-back: true, allow-older: false",
    ]),
  ],
  ["a production environment", change([ENVIRONMENT, `${ENVIRONMENT}    production: true\n    transient: false\n`])],
  ["no scan", change(["application:", "scan: off\napplication:"])],
  ["a scan", change(["application:", "scan: { fail-on: [], scanners: [vuln], max-db-age: 3d, kev: a }\napplication:"])],
  ["a scan that nothing fails", change(["application:", "scan: { fail-on: none }\napplication:"])],
  ["a scan of a service", change(["names:", "scan: { ignore-status: [will_not_fix] }\n    names:"])],
  ["an image that is there already", change(["context: ./web, ", "from: web:ci, "])],
  [
    "all of a build",
    change([
      "web: { }",
      "web: { build: { contexts: { shared: ../shared }, secrets: { npm: { env: NPM_TOKEN }, key: { file: k } }, ssh: [default, a=b], cache-from: ['type=gha,scope={service}', ghcr.io/acme/web:cache], cache-to: [type=inline], labels: { a.b/c: 1 }, annotations: { 'index:a.b': x, 'manifest[linux/arm64]:c': y }, provenance: max, sbom: true, reproducible: false, pull: true, no-cache: true, test-reports: /reports, tags: ['type=sha'], flavor: [latest=false] } }",
    ]),
  ],
  ["an override", change(["web: { }", "web: { image: other, build: { target: x }, names: { compose: y } }"])],
];

const INVALID: [string, string][] = [
  ["another version", change(["version: 1", "version: '1'"])],
  ["no version", change(["version: 1\n", ""])],
  ["a capital letter", change(["application: shop", "application: Shop"])],
  ["no services", "version: 1\napplication: a\nservices: {}"],
  ["an unknown key", change(["application:", "applicatoin:"])],
  ["an unknown key of a service", change(["names:", "nmaes:"])],
  ["a secret with two sources", change(["web: { }", "web: { build: { secrets: { a: { env: A, file: b } } } }"])],
  ["a secret without a source", change(["web: { }", "web: { build: { secrets: { a: {} } } }"])],
  ["a cache that is an option", change(["web: { }", "web: { build: { cache-to: ['--push'] } }"])],
  ["an unknown key of a probe", probe("http: 'http://h/', methd: GET")],
  ["a build without context", change(["context: ./web, ", ""])],
  ["a platform", change(["linux/amd64", "linux"])],
  ["a bare number as time", change(["start: 60s", "start: 60"])],
  ["a strategy", change(["rolling", "roling"])],
  ["crashes", change(["crashes: 2", "crashes: 1.5"])],
  ["a flag as text", change(["crashes: 2", "allow-older: 'yes'"])],
  ["context and host", change(["project: shop", "host: ssh://x"])],
  ["a namespace with an underscore", target("{ kind: kubernetes, namespace: a_b }")],
  ["no manifests", target("{ kind: kubernetes, files: [] }")],
  ["a host without scheme", target("{ kind: compose, host: shop.example }")],
  ["a namespace for compose", target("{ kind: compose, namespace: x }")],
  ["an empty list of files", target("{ kind: compose, files: [] }")],
  ["an address with a password", change(["https://staging", "https://a:b@staging"])],
  ["a probe of nothing", probe("interval: 1s")],
  ["a probe of two things", probe("http: 'http://h/', tcp: 'h:1'")],
  ["a command as text", probe("command: ls")],
  ["a status", probe("http: 'http://h/', status: 99")],
  ["a class of statuses", probe("http: 'http://h/', status: 6xx")],
  ["a port that is no number", probe("tcp: 'h:http'")],
  ["a secret's value", change(["{ env: DB_PASSWORD }", "hunter2"])],
  ["the name of a variable", change(["TAG: x", "T-AG: x"])],
  ["the name of an environment", change(["  staging:\n", "  'sta ging':\n"])],
  ["a hook without command", change(["crashes: 2", "shift: { service: proxy }"])],
  ["a severity", change(["application:", "scan: { fail-on: [SEVERE] }\napplication:"])],
  ["a scan that is neither on nor off", change(["application:", "scan: false\napplication:"])],
  ["the database of a service", change(["names:", "scan: { db-repository: [a] }\n    names:"])],
  ["an image with a space", change(["ghcr.io/acme/shop-{service}", "a b"])],
];

/** What no schema can say: the loader alone knows. */
const LOADER_ONLY: [string, string][] = [
  ["an unknown service", change(["service: web", "service: api"])],
  ["a time that is too long", change(["start: 60s", "start: 900h"])],
  ["an image that is none", change(["shop-{service}", "Shop@x"])],
  ["a command from the runner", probe("from: runner, command: [a]")],
];

describe("docs/belay.schema.json", () => {
  it("is what scripts/generate-schema.ts writes", async () => {
    const file = await readFile(new URL("../../../docs/belay.schema.json", import.meta.url), "utf8");
    expect(JSON.parse(file), "run `node scripts/generate-schema.ts`").toEqual(JSON.parse(configJsonSchema()));
  });

  it("describes every key", () => {
    const missing: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`);
      if (!("properties" in node) || typeof node.properties !== "object" || node.properties === null) return;
      for (const [key, value] of Object.entries(node.properties)) {
        if (key !== "kind" && !JSON.stringify(value).includes('"description"')) missing.push(`${path}/${key}`);
      }
    };
    walk(JSON.parse(configJsonSchema()), "");
    expect(missing).toEqual([]);
  });

  it.each(VALID)("takes, as the loader does: %s", (_name, text) => {
    expect(thrownBy(() => parse(text))).toBeUndefined();
    expect(validate(parseYaml(text, { merge: true })), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each(INVALID)("refuses, as the loader does: %s", (_name, text) => {
    expect(thrownBy(() => parse(text))).toMatchObject({ code: "CONFIG_INVALID" });
    expect(validate(parseYaml(text, { merge: true }))).toBe(false);
  });

  it.each(LOADER_ONLY)("leaves to the loader: %s", (_name, text) => {
    expect(thrownBy(() => parse(text))).toMatchObject({ code: "CONFIG_INVALID" });
    expect(validate(parseYaml(text, { merge: true }))).toBe(true);
  });
});
