import { Inputs } from "@belay/core";
import { describe, expect, it } from "vitest";
import { messageOf } from "./example.fixture.ts";
import { loadOverrides, parseConfig, resolveApplication } from "./index.ts";

const FILE = `version: 1
application: shop
services:
  web:
    image: ghcr.io/acme/web
    build:
      context: web
      test-target: test
      contexts: { shared: ../shared, base: "docker-image://alpine:3" }
      secrets: { npm: { env: NPM_TOKEN }, key: { file: keys/id } }
      ssh: [default]
      cache-from: ["type=gha,scope={service}"]
      labels: { a: 1, b: two }
      provenance: min
      test-reports: /reports
environments:
  staging: { services: { web: { build: { labels: { b: three }, provenance: none } } } }
`;

function build(inputs: Record<string, string> = {}, environment?: string, text = FILE) {
  const file = parseConfig(text, { path: "belay.yaml", directory: "/repo" });
  const overrides = loadOverrides(new Inputs((name) => inputs[name]));
  const options = { file, inputs: overrides, env: {}, workingDirectory: "/repo", environment };
  return resolveApplication(options).services.web?.build;
}

describe("how an image is built", () => {
  it("comes from the file, with folders relative to it", () => {
    expect(build()).toEqual({
      context: "/repo/web",
      testTarget: "test",
      args: {},
      platforms: [],
      contexts: { shared: "/shared", base: "docker-image://alpine:3" },
      secrets: { npm: { env: "NPM_TOKEN" }, key: { file: "/repo/keys/id" } },
      ssh: ["default"],
      cacheFrom: ["type=gha,scope=web"],
      labels: { a: "1", b: "two" },
      provenance: "min",
      testReports: "/reports",
    });
  });

  it("is changed by the environment, and by inputs", () => {
    const changed = build({}, "staging");
    expect(changed).toMatchObject({ labels: { a: "1", b: "three" } });
    expect(changed).not.toHaveProperty("provenance");
    const inputs = {
      "from-image": "web:ci",
      "secret-envs": "npm=OTHER",
      "secret-files": "cert=c.pem",
      "cache-to": "type=local,dest=cache/{service}",
      labels: "b=four",
      annotations: "index:a.b=c",
      ...{ sbom: "true", "no-cache": "true", reproducible: "false", "test-reports": "out/*.xml" },
    };
    expect(build(inputs)).toMatchObject({
      from: "web:ci",
      secrets: { npm: { env: "OTHER" }, key: { file: "/repo/keys/id" }, cert: { file: "/repo/c.pem" } },
      cacheTo: ["type=local,dest=cache/web"],
      labels: { a: "1", b: "four" },
      annotations: { "index:a.b": "c" },
      ...{ sbom: true, noCache: true, reproducible: false, testReportFiles: "/repo/out/*.xml" },
    });
  });

  it.each([
    ["secret-envs", "npm=ghp_the secret itself", "npm names no environment variable"],
    ["labels", "org.opencontainers.image.revision=x", "which Belay itself writes"],
    ["labels", "dev.belay.dirty=x", "which Belay itself writes"],
    ["cache-to", "type=s3,secret_access_key=the secret itself", "it holds a credential (secret_access_key)"],
    ["cache-to", "type=s3,bucket=a,Access_Key_Id=b", "Give it to this step as AWS_ACCESS_KEY_ID."],
    ["cache-to", 'type=s3,"Session_Token=the secret itself"', "Give it to this step as AWS_SESSION_TOKEN."],
    ["cache-from", '"type=gha", "token=the secret itself"', "has it as ACTIONS_RUNTIME_TOKEN."],
    ["cache-to", "type=gha,repository=a/b,ghtoken=abc", "it holds a credential (ghtoken)"],
    ["cache-to", 'type=azblob,"secret_access_key=the secret itself"', "Cache storage backends"],
    ["cache-from", "--push", "it has"],
    ["ssh", "-x", "it has"],
    ["annotations", "--x=y", "it has the name"],
    ["build-contexts", "a,b=c", "it has the name"],
    ["sbom", "--x", "it is"],
    ["from-image", "--x", "it is"],
    ["from-archive", "a\u0000b", "it is"],
    ["provenance", "full", "Legal values: none, min, max"],
  ])("refuses %s: %s", (input, value, wrong) => {
    const message = messageOf(() => build({ [input]: value }));
    expect(message).toContain(wrong);
    expect(message).toContain(`\`${input}\``);
    expect(message).not.toContain("the secret itself");
  });

  it("refuses a credential that a variable brings into the file's caches, behind a quote too", () => {
    const text = FILE.replace('"type=gha,scope={service}"', `'type=azblob,"secret_access_key=\u0024{KEY}"'`);
    const message = messageOf(() => build({ variables: "KEY=the secret itself" }, undefined, text));
    expect(message).toContain("it holds a credential (secret_access_key)");
    expect(message).not.toContain("the secret itself");
  });
});

it("is not built when an image is there already: the last that names one counts, and one only", () => {
  const saved = `version: 1
application: shop
services: { web: { image: ghcr.io/acme/web, build: { archive: out/web.tar } } }
environments:
  staging: { services: { web: { build: { from: "web:ci" } } } }
`;
  expect(build({}, undefined, saved)).toEqual({
    context: "/repo",
    archive: "/repo/out/web.tar",
    args: {},
    platforms: [],
  });
  expect(build({}, "staging", saved)).toEqual({ context: "/repo", from: "web:ci", args: {}, platforms: [] });
  const given = build({ "from-archive": "/tmp/web.tar" }, "staging", saved);
  expect(given).toMatchObject({ archive: "/tmp/web.tar" });
  expect(given).not.toHaveProperty("from");
  const both = messageOf(() => build({ "from-archive": "a", "from-image": "b" }));
  expect(both).toContain("`from-image` is given, too");
  const twice = saved.replace("archive:", "from: a, archive:");
  expect(messageOf(() => build({}, undefined, twice))).toContain("has both `from` and `archive`");
});
