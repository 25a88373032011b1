import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError } from "@belay/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { change, EXAMPLE, messageOf, parse, problemLines, thrownBy } from "./example.fixture.ts";
import { loadConfig, problemsOf } from "./index.ts";

describe("finding belay.yaml", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "belay-config-"));
    await mkdir(join(root, "deploy"));
    await mkdir(join(root, "both"));
    await writeFile(join(root, "deploy", "belay.yml"), EXAMPLE);
    await writeFile(join(root, "both", "belay.yaml"), EXAMPLE);
    await writeFile(join(root, "both", "belay.yml"), EXAMPLE);
  });
  afterAll(() => rm(root, { recursive: true }));

  it("takes the default name where there is one, and none where there is none", async () => {
    expect(await loadConfig(undefined, { workingDirectory: root })).toBeUndefined();
    const file = await loadConfig(undefined, { workingDirectory: join(root, "deploy") });
    expect(file).toMatchObject({ path: "belay.yml", directory: join(root, "deploy"), application: "shop" });
    expect(file?.environments).toEqual(["staging"]);
  });

  it("takes the folder of a file that was asked for as the base of its paths", async () => {
    const file = await loadConfig("deploy/belay.yml", { workingDirectory: root });
    expect(file).toMatchObject({ path: "deploy/belay.yml", directory: join(root, "deploy") });
  });

  it.each([
    ["nowhere.yaml", "CONFIG_NOT_FOUND", "reading nowhere.yaml: there is no such file. Give the path"],
    ["deploy", "CONFIG_NOT_FOUND", "reading deploy: it is a folder."],
  ])("refuses %s", async (path, code, message) => {
    const error: unknown = await loadConfig(path, { workingDirectory: root }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BelayError);
    expect(error).toMatchObject({ code, exitCode: 2, message: expect.stringContaining(message) });
  });

  it("refuses to choose between two", async () => {
    const both = loadConfig(undefined, { workingDirectory: join(root, "both") });
    await expect(both).rejects.toThrow("found belay.yaml and belay.yml. Remove one");
  });
});

const LONG = `name: ${"x".repeat(600_000)}`;
const laughs = `x-a: &a [1,1,1,1,1,1,1,1,1]\nx-b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nx-c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nx-d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;

/** What is written, and each problem as it must be told. */
const BAD: [name: string, text: string, problems: string[]][] = [
  [
    "an empty file",
    "",
    ["belay.yaml:1:1: the file is empty. It must be a mapping with version, application and services."],
  ],
  [
    "a list",
    "- 1",
    ["belay.yaml:1:1: the file is a list. It must be a mapping with version, application and services."],
  ],
  [
    "text",
    "hello",
    ['belay.yaml:1:1: the file is "hello". It must be a mapping with version, application and services.'],
  ],
  [
    "broken YAML",
    "a: {",
    ["belay.yaml:1:5: not valid YAML: Flow map in block collection must be sufficiently indented and end with a }."],
  ],
  [
    "two documents",
    `${EXAMPLE}---\na: 1\n`,
    ["belay.yaml:18:1: a second YAML document begins; one file is one document."],
  ],
  ["a tab", "a:\n\tb: 1", ["belay.yaml:2:1: a tab; indent with spaces."]],
  [
    "a key twice",
    change(["TAG: x", "TAG: x, TAG: y"]),
    ["belay.yaml:13:26: this key stands here a second time; keep one of them."],
  ],
  ["a hidden key", "__proto__: { a: 1 }", ["belay.yaml:1:1: `__proto__` is no legal key."]],
  ["a mapping as key", "{ a: 1 }: b", ["belay.yaml:1:1: a key must be plain text."]],
  ["an alias without anchor", "a: *b", ["belay.yaml:1:4: no anchor `&b` stands before this alias."]],
  ["a huge file", LONG, ["belay.yaml: it is longer than 512 KiB."]],
  ["many aliases", laughs, ["belay.yaml:1:1: Excessive alias count indicates a resource exhaustion attack."]],
  [
    "a misspelled key at the top",
    change(["services:\n", "servces:\n"]),
    [
      "belay.yaml:1:1: `services` is missing. Legal values: a mapping of names to values.",
      'belay.yaml:3:1: unknown key "servces". Did you mean `services`? Legal keys: version, application, services, variables, scan, environments.',
    ],
  ],
  [
    "a misspelled key inside",
    change(["test-target", "test_target"], ["image:", "imgae:"]),
    [
      "belay.yaml:4:3: `services.web.image` is missing. Legal values: text without spaces that does not begin with `-`.",
      'belay.yaml:5:5: unknown key "imgae" in `services.web`. Did you mean `image`? Legal keys: image, build, names, scan.',
      'belay.yaml:6:71: unknown key "test_target" in `services.web.build`. Did you mean `test-target`? Legal keys: context, from, archive, dockerfile, target, test-target, args, platforms, contexts, secrets, ssh, cache-from, cache-to, labels, annotations, provenance, sbom, reproducible, pull, no-cache, test-reports, tags, flavor.',
    ],
  ],
  [
    "wrong values, all at once",
    change(
      ["version: 1", "version: 2"],
      ["start: 60s", "start: 60"],
      ["crashes: 2", "crashes: 0"],
      ["rolling", "roling"],
      ["shop\n", "12\n"],
    ),
    [
      "belay.yaml:1:10: `version` is 2. Legal values: 1.",
      "belay.yaml:2:14: `application` is 12. YAML reads this as a number: write it in quotes. Legal values: small letters, digits, `-` and `_`, at most 63, beginning with a letter or digit.",
      'belay.yaml:15:26: `environments.staging.rollout.strategy` is "roling". Did you mean `rolling`? Legal values: rolling, recreate.',
      "belay.yaml:15:41: `environments.staging.rollout.start` is 60. Legal values: a number with a unit, such as 500ms, 10s, 5m, 1h30m.",
      "belay.yaml:15:80: `environments.staging.rollout.crashes` is 0. Legal values: a whole number, 1 to 100.",
    ],
  ],
  [
    "another engine",
    change(["kind: compose", "kind: compos"]),
    [
      'belay.yaml:12:21: `environments.staging.target.kind` is "compos". Did you mean `compose`? Legal values: compose, swarm, kubernetes.',
    ],
  ],
  [
    "a key of another engine",
    change(["project: shop", "stack: shop"]),
    [
      'belay.yaml:12:48: unknown key "stack" in `environments.staging.target`. Legal keys: kind, context, host, project, files, profiles, directory.',
    ],
  ],
  [
    "a secret's value in the file, which is not repeated",
    change(["{ env: DB_PASSWORD }", "hunter2"]),
    [
      "belay.yaml:14:29: `environments.staging.secrets.DB_PASSWORD` is not what it should be (not shown here). Legal values: a mapping with the key env.",
    ],
  ],
  [
    "a name that no engine would take",
    change(["  web:\n", "  we b:\n"]),
    [
      'belay.yaml:4:3: the name "we b" in `services` is not legal. Legal: letters, digits, `.`, `-` and `_`, at most 63, beginning with a letter or digit.',
    ],
  ],
  [
    "services that are not there",
    change(["service: web", "service: wbe"], ["{ web: { } }", "{ wep: { }, cache: { build: { } } }"]),
    [
      "belay.yaml:16:27: no service is called `wbe`. Did you mean `web`? Services: web, cache.",
      "belay.yaml:17:17: no service is called `wep`. Did you mean `web`? Services: web, cache.",
      "belay.yaml:17:36: `environments.staging.services.cache.build.context` is missing: the service has no build of its own.",
    ],
  ],
  [
    "rules between keys",
    change(["project: shop", "host: ssh://x"], ["stable: 5s", "stable: 5m"], ["TAG: x", "DB_PASSWORD: x"]),
    [
      "belay.yaml:12:48: `environments.staging.target` has both `context` and `host`. Keep one of them.",
      "belay.yaml:14:16: `DB_PASSWORD` is a variable and a secret at once. Keep one of them.",
      "belay.yaml:15:69: `stable` (5m) is not shorter than `deadline` (5m): no deployment could ever succeed.",
    ],
  ],
  [
    "a shape that is wrong beside a rule that is broken",
    change(["project: shop", "host: ssh://x"], ["crashes: 2", "crashes: two"]),
    [
      "belay.yaml:12:48: `environments.staging.target` has both `context` and `host`. Keep one of them.",
      'belay.yaml:15:82: `environments.staging.rollout.crashes` is "two". Legal values: a whole number, 1 to 100.',
    ],
  ],
  [
    "images",
    change(["shop-{service}", "shop:1"], [`redis@${"sha256"}`, "Redis@sha256"]),
    [
      'belay.yaml:5:12: `services.web.image` is "ghcr.io/acme/shop:1", with a tag, but the service is built here. Leave the tag out: the commit gives the tags.',
      `belay.yaml:8:19: \`services.cache.image\` is "docker.io/library/Redis@sha256:${"a".repeat(47)}…, which is no image reference. Legal values: a repository, best with its digest: docker.io/library/redis@sha256:….`,
    ],
  ],
  [
    "durations out of range",
    change(["start: 60s", "start: 25h"], ["interval: 1s", "interval: 10ms"]),
    [
      'belay.yaml:15:42: `environments.staging.rollout.start` is "25h". Legal values: 1 ms to 24 h.',
      'belay.yaml:16:95: `interval` is "10ms". Legal values: 100 ms to 24 h.',
    ],
  ],
  [
    "a probe that asks nothing, and one that asks twice",
    change(["health:  [", "health:  [ { service: web }, { service: web, tcp: 'a:1', command: [x], from: instance },"]),
    [
      "belay.yaml:16:16: a probe asks nothing. Give it one of http, tcp, command.",
      "belay.yaml:16:71: a probe has tcp and command. Make one probe of each.",
    ],
  ],
  [
    "probes that nobody can ask",
    change([
      "health:  [",
      "health:  [ { service: web, http: 'http://:80/' }, { service: web, tcp: ':80', status: 200 }, { service: web, command: [x], from: runner },",
    ]),
    [
      'belay.yaml:16:38: "http://:80/" names no host. Name one, or ask each instance with `from: instance`.',
      'belay.yaml:16:76: ":80" names no host. Name one, or ask each instance with `from: instance`.',
      "belay.yaml:16:91: `status` belongs to http probes only.",
      "belay.yaml:16:134: a command runs inside each instance, not from the runner. Legal values of `from`: instance.",
    ],
  ],
];

describe("a belay.yaml that is wrong", () => {
  it.each(BAD)("%s", (_name, text, problems) => {
    expect(problemLines(() => parse(text))).toEqual(problems);
  });

  it.each(BAD)("%s: the place is where the value or the key stands", (_name, text) => {
    for (const { line = 1, column = 1, message } of problemsOf(thrownBy(() => parse(text)))) {
      const [, shown] = /^(?:unknown key |`[^`]*` is |)"([^"…]+)/.exec(message) ?? [];
      const there =
        text
          .split("\n")
          [line - 1]?.slice(column - 1)
          .replace(/^["']/, "") ?? "";
      expect(there.startsWith(shown ?? there), `${there} is not at the place of: ${message}`).toBe(true);
    }
  });

  it("shows the line and marks the place", () => {
    expect(messageOf(() => parse("version: 1\napplication: shop\nservices:\n  web: { imag: x, image: x }\n"))).toBe(
      [
        "reading belay.yaml: 1 problem:",
        'belay.yaml:4:10: unknown key "imag" in `services.web`. Did you mean `image`? Legal keys: image, build, names, scan.',
        "  4 |   web: { imag: x, image: x }",
        "    |          ^",
        "Nothing was changed.",
      ].join("\n"),
    );
  });

  it("never shows what stands where a secret should be named", () => {
    const message = messageOf(() => parse(change(["{ env: DB_PASSWORD }", "{ value: hunter2 }"])));
    expect(message).toContain('unknown key "value"');
    expect(message).not.toContain("hunter2");
  });

  it("keeps the single problems for annotations", () => {
    const error = thrownBy(() => parse(change(["rolling", "x"])));
    expect(problemsOf(error)).toMatchObject([{ file: "belay.yaml", line: 15 }]);
    expect(problemsOf(new Error("other"))).toEqual([]);
  });
});

describe("a belay.yaml that is right", () => {
  it("may use anchors, merge keys and x- keys", () => {
    const file = parse(
      "x-probe: &probe { interval: 2s, retries: 5 }\nversion: 1\napplication: shop\nservices: { web: { image: shop } }\n" +
        "environments:\n  a: &a\n    health: [ { <<: *probe, http: 'http://h/' } ]\n  b: *a\n",
    );
    expect(file.data.environments?.b?.health).toEqual([{ interval: "2s", retries: 5, http: "http://h/" }]);
  });

  it("names the place of a merged value where it is written", () => {
    const text =
      "version: 1\nx-probe: &probe\n  interval: 2\napplication: shop\nservices: { web: { image: shop } }\n" +
      "environments:\n  a:\n    health: [ { <<: *probe, http: 'http://h/' } ]\n";
    expect(problemLines(() => parse(text))).toEqual([
      "belay.yaml:3:13: `environments.a.health[0].interval` is 2. Legal values: a number with a unit, such as 500ms, 10s, 5m, 1h30m.",
    ]);
  });
});

describe("whatever is written", () => {
  const orBelayError = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(BelayError);
      expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.not.stringContaining("Invalid input") });
    }
  };

  it("any text is read or refused", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."{}[]&*<:-,?!|>'\"#%@ab \n\t") })),
        (text) => orBelayError(() => parse(text)),
      ),
      { numRuns: 300 },
    );
  });

  it("any value at any place of the example is read or refused", () => {
    const places = EXAMPLE.match(/[\w./:{}-]+/g) ?? [];
    const value = fc.oneof(
      fc.constantFrom("*a", "&a [*a]", "{<<: *a}", "&a {<<: *a}", "null", "1e999", "!!binary x", "!foo x", "[[", "~"),
      fc.json(),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), value, (place, text) =>
        orBelayError(() => parse(EXAMPLE.replace(place, () => text))),
      ),
      { numRuns: 300 },
    );
  });
});
