import { BelayError } from "@belay/core";
import { describe, expect, it } from "vitest";
import { change, DIGEST, EXAMPLE, messageOf, parse, problemLines, thrownBy } from "./example.fixture.ts";
import { resolveApplication } from "./index.ts";
import { settings } from "./settings.fixture.ts";

describe("the settings of an environment", () => {
  it("are complete", () => {
    const seen: string[] = [];
    const result = settings(EXAMPLE, {}, { onSecret: (value) => seen.push(value) });
    expect(result).toMatchObject({
      application: "shop",
      environment: "staging",
      directory: "/repo",
      url: "https://staging.shop.example",
      production: false,
      transient: false,
      target: {
        kind: "compose",
        context: "default",
        project: "shop",
        files: ["/repo/compose.yaml"],
        directory: "/repo",
      },
      variables: { TAG: "x" },
      secrets: { DB_PASSWORD: "hunter2" },
    });
    expect(seen).toEqual(["hunter2"]);
    expect(result.services.web).toEqual({
      image: "ghcr.io/acme/shop-web",
      reference: { repository: "ghcr.io/acme/shop-web", registry: "ghcr.io", path: "acme/shop-web" },
      build: {
        context: "/repo/web",
        dockerfile: "/repo/web/Dockerfile",
        target: "runtime",
        testTarget: "test",
        args: {},
        platforms: ["linux/amd64"],
      },
      names: { compose: "web", swarm: "shop_web", kubernetes: "deployment/web", container: "app" },
    });
    expect(result.services.cache).toMatchObject({
      reference: { repository: "docker.io/library/redis", digest: DIGEST },
      names: {},
    });
    expect(result.health).toMatchObject([{ service: "web", from: "runner", timeoutMs: 1_000, retries: 3 }]);
    expect(result.rollout).toMatchObject({ startMs: 60_000, drainMs: 2_000, onCancel: "restore", allowOlder: false });
  });

  it("take every key of rollout, and the hook", () => {
    const keys =
      "strategy: recreate, start: 1m30s, deadline: 10m, stable: 0, drain: 500ms, crashes: 3, on-failure: keep, on-first-failure: remove, " +
      "on-cancel: leave, on-locked: refuse, allow-no-way-back: true, allow-older: true, shift: { service: proxy, command: [nginx, -s, reload] }";
    const result = settings(EXAMPLE.replace(/rollout: .*/, `rollout: { ${keys} }`));
    expect(result.rollout).toEqual({
      strategy: "recreate",
      startMs: 90_000,
      deadlineMs: 600_000,
      stableMs: 0,
      drainMs: 500,
      crashes: 3,
      onFailure: "keep",
      onFirstFailure: "remove",
      onCancel: "leave",
      onLocked: "refuse",
      allowNoWayBack: true,
      allowOlder: true,
    });
    expect(result.shift).toEqual({ service: "proxy", command: ["nginx", "-s", "reload"] });
  });

  it("are those of the environment that was asked for, with its overrides", () => {
    const text = `${change(["args: {}", "args: { A: 1, B: 2 }"])}  production:\n    target: { kind: compose, host: "ssh://a@b" }\n    services: { web: { image: other, build: { target: prod, args: { B: 3 } }, names: { compose: front } } }\n`;
    const result = settings(text, {}, { environment: "production", env: {} });
    expect(result).toMatchObject({
      production: true,
      target: { host: "ssh://a@b", project: "shop", files: [], directory: "/repo" },
    });
    expect(result.services.web).toMatchObject({
      image: "other",
      build: { target: "prod", testTarget: "test", args: { A: "1", B: "3" } },
      names: { compose: "front", swarm: "shop_web" },
    });
    expect(messageOf(() => settings(text))).toContain(
      "input `environment`: it is missing. Environments: staging, production.",
    );
  });

  it("list the known environments", () => {
    const message =
      'belay.yaml:9:1: the environment "stagin" is not there. Did you mean `staging`? Environments: staging.';
    expect(problemLines(() => settings(EXAMPLE, {}, { environment: "stagin" }))).toEqual([message]);
  });

  it("leave swarm and kubernetes to the deployment", () => {
    const target = (text: string) =>
      settings(EXAMPLE.replace(/target: \{.*?\}/, `target: ${text}`).replace("target: runtime", "target: runtime"))
        .target;
    expect(target("{ kind: swarm, files: [stack.yml] }")).toEqual({
      kind: "swarm",
      stack: "shop",
      files: ["/repo/stack.yml"],
    });
    expect(target("{ kind: kubernetes, context: prod }")).toEqual({
      kind: "kubernetes",
      context: "prod",
      files: [],
    });
    expect(target("{ kind: kubernetes, kubeconfig: k/config, namespace: shop, files: [k8s, k8s/extra.yaml] }")).toEqual(
      {
        kind: "kubernetes",
        kubeconfig: "/repo/k/config",
        namespace: "shop",
        files: ["/repo/k8s", "/repo/k8s/extra.yaml"],
      },
    );
  });

  it("take Compose's project directory from the first file, as Compose does", () => {
    const files = change(["files: [compose.yaml]", "files: [deploy/a.yaml, b.yaml]"]);
    expect(settings(files).target).toMatchObject({
      files: ["/repo/deploy/a.yaml", "/repo/b.yaml"],
      directory: "/repo/deploy",
    });
    const profiles = change(["files: [compose.yaml]", "files: [compose.yaml], profiles: [jobs]"]);
    expect(settings(profiles).target).toMatchObject({ profiles: ["jobs"] });
    const both = change(["files: [compose.yaml]", "files: [deploy/a.yaml], directory: ."]);
    expect(settings(both).target).toMatchObject({ directory: "/repo" });
  });
});

describe("variables", () => {
  const using = (place: string, text = EXAMPLE) => text.replace("https://staging", () => place);

  it("are filled in, from the file, the environment of the run and the input; the last one wins", () => {
    const text = change(
      ["application: shop\n", "application: shop\nvariables: { A: 1, B: top, TAG: top }\n"],
      ["TAG: x", "TAG: x, C: { env: FROM_RUN }, D: { env: NOT_THERE, default: d }"],
      ["https://staging", `https://\${A}-\${B}-\${TAG}-\${C}-\${D}`],
      ["/healthz", `/$\${A}/\${TAG}`],
      ["shop-{service}", `shop-{service}-\${TAG}`],
    );
    const result = settings(text, { variables: "B=input" }, { env: { DB_PASSWORD: "hunter2", FROM_RUN: "c" } });
    expect(result.url).toBe("https://1-input-x-c-d.shop.example");
    expect(result.health[0]?.check).toMatchObject({ url: `http://127.0.0.1:8080/\${A}/x` });
    expect(result.services.web?.image).toBe("ghcr.io/acme/shop-web-x");
    expect(result.variables).toEqual({ A: "1", B: "input", TAG: "x", C: "c", D: "d" });
  });

  it.each([
    [`https://\${TGA}`, `\`environments.staging.url\`: \`\${TGA}\` is not set. Did you mean \`TAG\`? Variables: TAG.`],
    [`https://\${DB_PASSWORD}`, `\`\${DB_PASSWORD}\` is not set. Variables: TAG.`],
    [`https://\${TAG:-x}`, `only "\${NAME}" is filled in here, without defaults or operators.`],
    [`https://\${TAG`, `only "\${NAME}" is filled in here`],
    [`https://\${constructor}`, `\`\${constructor}\` is not set.`],
  ])("refuse %s", (place, message) => {
    const [problem] = problemLines(() => settings(using(place)));
    expect(problem).toMatch(/^belay\.yaml:11:10: /);
    expect(problem).toContain(message);
  });

  it("of an environment need the environment", () => {
    const file = parse(change(["shop-{service}", `\${TAG}`]));
    const build = (environment?: string) =>
      resolveApplication({ file, environment, inputs: {}, env: {}, workingDirectory: "/" });
    expect(build("staging").services.web?.image).toBe("ghcr.io/acme/x");
    expect(problemLines(() => build())).toEqual([
      "input `environment`: it is missing, so only the variables at the top of the file count.",
      `belay.yaml:5:12: \`services.web.image\`: \`\${TAG}\` is not set: there are no variables here.`,
    ]);
  });

  it("are checked for what they make of a value", () => {
    const text = change(
      ["TAG: x", "TAG: 'a b'"],
      ["https://staging", `https://\${TAG}`],
      ["shop-{service}", `\${TAG}`],
    );
    expect(problemLines(() => settings(text))).toEqual([
      'belay.yaml:5:12: `services.web.image` is "ghcr.io/acme/a b", which is no image reference. Legal values: a repository such as ghcr.io/acme/shop.',
      'belay.yaml:11:10: `environments.staging.url` is "https://a b.shop.example". Legal values: an address such as https://shop.example, without user name and password.',
    ]);
  });

  it("tell of an environment variable that is not there", () => {
    const text = change(["TAG: x", "TAG: { env: NOT_THERE }"]);
    expect(problemLines(() => settings(text))).toEqual([
      "belay.yaml:13:30: `environments.staging.variables.TAG`: the environment variable `NOT_THERE` is not set, and there is no `default`.",
    ]);
    expect(settings(text, { variables: "TAG=y" }).variables).toEqual({ TAG: "y" });
  });

  it("have their default where GitHub knows no such variable of the repository, which is an empty text", () => {
    const tag = (more: string) =>
      settings(change(["TAG: x", `TAG: { env: UNSET${more} }`]), {}, { env: { UNSET: "", DB_PASSWORD: "x" } })
        .variables;
    expect(tag(", default: info")).toEqual({ TAG: "info" });
    expect(tag("")).toEqual({ TAG: "" });
  });

  it("in inputs are text like any other", () => {
    expect(settings(EXAMPLE, { url: `https://h/\${TAG}` }).url).toBe(`https://h/\${TAG}`);
  });
});

describe("secrets", () => {
  it.each([
    ["not set", {}],
    ["empty", { DB_PASSWORD: "" }],
  ])("that are %s are refused", (state, env) => {
    expect(problemLines(() => settings(EXAMPLE, {}, { env }))).toEqual([
      `belay.yaml:14:36: the environment variable \`DB_PASSWORD\` of the secret \`DB_PASSWORD\` is ${state}. ` +
        `Give it to the step: \`env: { DB_PASSWORD: \${{ secrets.DB_PASSWORD }} }\`.`,
    ]);
  });

  it("are named, and no problem, for whoever can do without", () => {
    const seen: string[] = [];
    const more = { secrets: "given", onSecret: (value: string) => seen.push(value) } as const;
    const without = settings(EXAMPLE, {}, { ...more, env: { DB_PASSWORD: "" } });
    expect(without).toMatchObject({ secrets: {}, missingSecrets: { DB_PASSWORD: "DB_PASSWORD" } });
    expect(settings(EXAMPLE, {}, more)).toMatchObject({ secrets: { DB_PASSWORD: "hunter2" }, missingSecrets: {} });
    expect(seen).toEqual(["hunter2"]);
  });

  it("are known for redaction before any problem is told", () => {
    const seen: string[] = [];
    const refused = () => settings(EXAMPLE, { image: "A" }, { onSecret: (value) => seen.push(value) });
    expect(thrownBy(refused)).toBeInstanceOf(BelayError);
    expect(seen).toEqual(["hunter2"]);
  });

  it("are not needed to build", () => {
    const built = resolveApplication({ file: parse(EXAMPLE), inputs: {}, env: {}, workingDirectory: "/srv" });
    expect(Object.keys(built.services)).toEqual(["web", "cache"]);
    expect(built).not.toHaveProperty("secrets");
  });
});
