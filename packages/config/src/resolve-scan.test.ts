import { Inputs } from "@belay/core";
import { FIX_STATUSES, REPORT_FORMATS, SEVERITIES, TRIVY_SOURCES } from "@belay/scan";
import { describe, expect, it } from "vitest";
import { change, EXAMPLE, parse, problemLines } from "./example.fixture.ts";
import {
  FIX_STATUS_NAMES,
  loadScanOverrides,
  resolveScan,
  SCAN_FORMATS,
  SCAN_SEVERITIES,
  SCANNER_SOURCES,
} from "./index.ts";

const HEAD = "application: shop\n";

function scan(text: string | undefined, inputs: Record<string, string> = {}, environment?: string) {
  const file = text === undefined ? undefined : parse(text);
  const given = loadScanOverrides(new Inputs((name) => inputs[name]));
  return resolveScan({ file, environment, inputs: given, workingDirectory: "/srv" });
}

/** The example with `scan` at the top, of its environment, of its service `web`, and of that in the environment. */
function written(levels: { top?: string; staging?: string; web?: string; stagingWeb?: string }): string {
  return change(
    [HEAD, levels.top === undefined ? HEAD : `${HEAD}scan: ${levels.top}\n`],
    ["    url:", levels.staging === undefined ? "    url:" : `    scan: ${levels.staging}\n    url:`],
    ["    names: {", levels.web === undefined ? "    names: {" : `    scan: ${levels.web}\n    names: {`],
    ["web: { }", levels.stagingWeb === undefined ? "web: { }" : `web: { scan: ${levels.stagingWeb} }`],
  );
}

describe("the settings of the scan", () => {
  it("have a gate by default, also without a file", () => {
    const gate = {
      off: false,
      failOn: ["CRITICAL", "HIGH"],
      ignoreUnfixed: false,
      ignoreStatuses: [],
      vex: [],
      onlyNew: false,
      failOnExploited: true,
      allowUnknownOs: false,
      allowPartial: false,
    };
    expect(scan(undefined)).toEqual({
      directory: "/srv",
      gate,
      services: {},
      scanners: ["vuln", "secret"],
      maxDbAgeMs: 3 * 86_400_000,
      maxJavaDbAgeMs: 14 * 86_400_000,
      updateDb: true,
      timeoutMs: 300_000,
      parallel: 2,
    });
    expect(scan(EXAMPLE)).toMatchObject({ environment: "staging", services: { web: gate, cache: gate } });
  });

  it("come from the file, its environment, its service, and the inputs, the last of which wins", () => {
    const text = written({
      top: "{ fail-on: [LOW], ignore-unfixed: true, timeout: 1m, cache-dir: .trivy, max-db-age: 30d }",
      staging: "{ fail-on: [MEDIUM], only-new: true }",
      web: "{ fail-on: [], ignore-files: [web/.trivyignore] }",
      stagingWeb: "{ allow-unknown-os: true }",
    });
    const found = scan(text, { "scan-timeout": "90s", "scan-db-repository": "127.0.0.1:5000/db:2" });
    expect(found).toMatchObject({ timeoutMs: 90_000, cacheDir: "/repo/.trivy", maxDbAgeMs: 30 * 86_400_000 });
    expect(found.dbRepositories).toEqual(["127.0.0.1:5000/db:2"]);
    expect(found.services.cache).toMatchObject({ failOn: ["MEDIUM"], onlyNew: true, ignoreUnfixed: true });
    expect(found.services.web).toMatchObject({
      failOn: [],
      onlyNew: true,
      allowUnknownOs: true,
      allowPartial: false,
      ignoreFiles: ["/repo/web/.trivyignore"],
    });
    expect(scan(text, { "scan-fail-on": "high, critical" }).services.web?.failOn).toEqual(["HIGH", "CRITICAL"]);
    expect(scan(text, { "scan-fail-on": "none" }).gate.failOn).toEqual([]);
    expect(scan(written({ staging: "{ fail-on: none }", web: "{ fail-on: [LOW] }" }))).toMatchObject({
      gate: { failOn: [] },
      services: { cache: { failOn: [] }, web: { failOn: ["LOW"] } },
    });
  });

  it.each([
    [{ top: "off" }, {}, true],
    [{ top: "off", staging: "on" }, {}, false],
    [{ top: "off", web: "{ fail-on: [LOW] }" }, {}, false],
    [{ staging: "off" }, {}, true],
    [{ web: "off" }, {}, true],
    [{ web: "off" }, { scan: "on" }, false],
    [{ top: "off" }, { "scan-timeout": "1m" }, true],
    [{}, { scan: "off", "scan-timeout": "1m" }, true],
  ])("say whether a service is scanned: %j with %j", (levels, inputs, off) => {
    expect(scan(written(levels), inputs).services.web?.off).toBe(off);
  });

  it("tell what is wrong in them, with the nearest right word", () => {
    expect(problemLines(() => scan(written({ top: "{ fial-on: [HIGH], timeout: 10 }" })))).toEqual([
      expect.stringContaining('unknown key "fial-on" in `scan`. Did you mean `fail-on`?'),
      expect.stringContaining("`scan.timeout` is 10. Legal values: a number with a unit"),
    ]);
    expect(problemLines(() => scan(written({ staging: "{ fail-on: [HIHG] }" })))).toEqual([
      expect.stringContaining('`environments.staging.scan.fail-on[0]` is "HIHG". Did you mean `HIGH`?'),
    ]);
    expect(problemLines(() => scan(written({ top: "{ db-repository: registry.example/db:2 }" })))).toEqual([
      expect.stringContaining("Legal values: a list such as [registry.example/trivy-db:2]."),
    ]);
    for (const [value, shown] of [
      ["CRITICAL", '"CRITICAL"'],
      ["never", '"never"'],
      ["{ a: 1 }", "a mapping"],
    ] as const) {
      expect(problemLines(() => scan(written({ top: `{ fail-on: ${value} }` })))).toEqual([
        expect.stringContaining(`\`scan.fail-on\` is ${shown}. Legal values: none, or a list of UNKNOWN, LOW,`),
      ]);
    }
    expect(problemLines(() => scan(written({ top: "{ fail-on: [none] }" })))).toEqual([
      expect.stringContaining('`scan.fail-on[0]` is "none". Legal values: UNKNOWN, LOW,'),
    ]);
    expect(problemLines(() => scan(written({ web: "no" })))).toEqual([
      expect.stringContaining('`services.web.scan` is "no". Legal values: on, off, or a mapping'),
    ]);
    expect(problemLines(() => scan(written({ web: "{ timeout: 1m }" })))).toEqual([
      expect.stringContaining('unknown key "timeout" in `services.web.scan`'),
    ]);
    expect(problemLines(() => scan(written({ top: "{ max-db-age: 1s }" })))).toEqual([
      expect.stringContaining('`scan.max-db-age` is "1s". Legal values: 1 min 0 s to 366 d.'),
    ]);
    expect(() => scan(undefined, { "scan-fail-on": "SEVERE" })).toThrow('input `scan-fail-on`: it names "SEVERE"');
    expect(() => scan(undefined, { "scan-server": "ftp://x" })).toThrow("input `scan-server`: it is");
    const withPassword = { "scan-server": "https://ci:hunter2@trivy.example" };
    expect(() => scan(undefined, withPassword)).toThrow('it is "https://***@trivy.example"');
    expect(() => scan(EXAMPLE, {}, "stagin")).toThrow("Did you mean `staging`?");
  });

  it.each([
    [{ top: "{ fail-on: none, fail-on-probability: 0.1 }" }, "`scan.fail-on-probability` needs `epss`"],
    [{ top: "{ fail-on-exploited: true }" }, "`scan.fail-on-exploited` needs `kev`"],
    [
      { top: "{ kev: kev.json }", staging: "{ fail-on-probability: 0 }" },
      "`environments.staging.scan.fail-on-probability`",
    ],
    [{ top: "{ epss: e.csv }", web: "{ fail-on-exploited: true }" }, "`services.web.scan.fail-on-exploited`"],
    [{ stagingWeb: "{ fail-on-probability: 1 }" }, "`environments.staging.services.web.scan.fail-on-probability`"],
  ])("ask for the list that a rule about attackers needs: %j", (levels, words) => {
    expect(problemLines(() => scan(written(levels)))).toEqual([expect.stringContaining(words)]);
  });

  it("tell who names no environment that only some have the list", () => {
    const text = (production: string): string =>
      `${written({ top: "{ fail-on-probability: 0.1 }", staging: "{ epss: e.csv }" })}  production: ${production}\n`;
    const one = text("{ target: { kind: compose, files: [compose.yaml] } }");
    const next = "no environment was given, and so only the top counts. Give the input `environment`, or";
    expect(problemLines(() => scan(one))).toEqual([expect.stringContaining(`staging has it, but ${next}`)]);
    expect(scan(one, {}, "staging").epss).toBe("/repo/e.csv");
    expect(problemLines(() => scan(one, {}, "production"))).toEqual([
      expect.stringContaining("Name the file with `epss` in `scan`, at the top or in the environment."),
    ]);
    const both = text("{ target: { kind: compose, files: [compose.yaml] }, scan: { epss: p.csv } }");
    expect(problemLines(() => scan(both))).toEqual([
      expect.stringContaining(`staging, production have it, but ${next}`),
    ]);
    expect(scan(both, {}, "production").epss).toBe("/repo/p.csv");
  });

  it.each([
    [{ top: "{ fail-on-probability: 0.1, fail-on-exploited: true, epss: e.csv, kev: k.json }" }, {}],
    [{ top: "{ fail-on-probability: 0.1 }", staging: "{ epss: e.csv }" }, {}],
    [{ top: "{ fail-on-exploited: true }", staging: "{ fail-on-exploited: false }" }, {}],
    [{ web: "{ fail-on-exploited: true }", stagingWeb: "off" }, {}],
    [{ top: "{ fail-on-probability: 0.1 }" }, { scan: "off" }],
  ])("need none that no rule asks: %j with %j", (levels, inputs) => {
    expect(scan(written(levels), inputs).services.web).toBeDefined();
  });

  it("use the scanner's own words", () => {
    expect(SCAN_SEVERITIES).toEqual(SEVERITIES);
    expect(FIX_STATUS_NAMES).toEqual(FIX_STATUSES);
    expect(SCAN_FORMATS).toEqual(REPORT_FORMATS);
    expect(SCANNER_SOURCES).toEqual(TRIVY_SOURCES);
  });
});
