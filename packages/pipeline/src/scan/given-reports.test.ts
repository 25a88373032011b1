import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveScan } from "@belay/config";
import { type ImageIdentity, sha256 } from "@belay/core";
import { databaseFileOf, scopeFileOf } from "@belay/scan";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { gateServices } from "./gate-services.ts";
import { givenReports } from "./given-reports.ts";
import { readRules } from "./scan-rules.ts";

const HOUR_MS = 3_600_000;
const IMAGE: ImageIdentity = {
  repository: "ghcr.io/acme/web",
  platforms: { "linux/amd64": { config: sha256("config") } },
  tags: ["sha-1"],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-given-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ago = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();

interface Given {
  /** Hours ago; `none`: the report does not say. */
  readonly made?: number | "none";
  /** What stands beside it. */
  readonly scope?: unknown;
  readonly database?: number;
  /** Of the one of Java archives; with it the image has one. `none`: it has one, and nobody tells. */
  readonly java?: number | "none";
  /** Of the database in Trivy's cache folder. */
  readonly cached?: number;
  /** Of the one that a Trivy server has, in the report itself. */
  readonly server?: number;
  /** Of Belay's own in that folder. */
  readonly published?: number;
  /** Its libraries have a vulnerability. */
  readonly vulnerable?: true;
}

const LODASH = {
  ...{ VulnerabilityID: "CVE-2019-10744", PkgName: "lodash", InstalledVersion: "4.17.11", Severity: "CRITICAL" },
  ...{ Status: "fixed", FixedVersion: "4.17.12" },
};

/** Writes the report of a service, in whose image nothing was found, and what stands beside it. */
async function keep(given: Given, service = "web", imageId = sha256("config")): Promise<string> {
  const { made = 1, scope = { scanners: ["vuln", "secret"] } } = given;
  const path = join(folder, `${service}.json`);
  const report = {
    SchemaVersion: 2,
    ...(given.server === undefined
      ? {}
      : { Trivy: { Server: { VulnerabilityDB: { Version: 2, UpdatedAt: ago(given.server) } } } }),
    ...(made === "none" ? {} : { CreatedAt: ago(made) }),
    ArtifactName: service,
    ArtifactType: "container_image",
    Metadata: {
      OS: { Family: "debian", Name: "12.5" },
      ImageID: imageId,
      ImageConfig: { os: "linux", architecture: "amd64", config: { Env: ["DB_PASSWORD=s3cret"] } },
    },
    Results: [
      ...(given.java === undefined ? [] : [{ Target: "Java", Class: "lang-pkgs", Type: "jar", Packages: [{}] }]),
      ...(given.vulnerable === undefined
        ? []
        : [{ Target: "Node.js", Class: "lang-pkgs", Type: "node-pkg", Packages: [{}], Vulnerabilities: [LODASH] }]),
      { Target: `${service} (debian 12.5)`, Class: "os-pkgs", Type: "debian", Packages: [{ Name: "base-files" }] },
    ],
  };
  await writeFile(path, JSON.stringify(report));
  if (scope !== "none") await writeFile(scopeFileOf(path), JSON.stringify(scope));
  const version = (hours: number) => ({ schema: 2, updatedAt: ago(hours) });
  const java = typeof given.java === "number" ? { java: version(given.java) } : {};
  const beside = given.database === undefined ? undefined : { ...version(given.database), ...java };
  if (beside !== undefined) await writeFile(databaseFileOf(path), JSON.stringify(beside));
  return path;
}

/** What the gate makes of one. */
async function gate(given: Given, inputs: Readonly<Record<string, unknown>> = {}) {
  const path = await keep(given);
  for (const [place, hours] of [
    ["db", given.cached],
    ["belay/db/20260101", given.published],
  ] as const) {
    if (hours === undefined) continue;
    await mkdir(join(folder, "cache", place), { recursive: true });
    const metadata = { Version: 2, UpdatedAt: ago(hours) };
    await writeFile(join(folder, "cache", place, "metadata.json"), JSON.stringify(metadata));
  }
  const settings = resolveScan({ inputs: { "cache-dir": "cache", ...inputs }, workingDirectory: folder });
  const [found = { scans: [], obstacles: [] }] = await givenReports(
    createContext(folder),
    settings,
    [path],
    [["web", IMAGE]],
  );
  const rules = await readRules(settings, ["web"]);
  const [gated] = gateServices(rules, [{ service: "web", identity: IMAGE, found }], new Date());
  if (gated === undefined) throw new Error("one service was given");
  const { scanned } = gated;
  return { ...gated.gate, scanned, why: gated.gate.obstacles.map(({ message }) => message).join("\n") };
}

describe("a report that was given", () => {
  it("passes when it is whole, recent, and its database is known", async () => {
    expect(await gate({ database: 2 })).toMatchObject({ result: "passed", why: "", scanners: ["vuln", "secret"] });
    expect((await gate({ database: 2 })).scanned).not.toHaveProperty("partial");
    expect(await gate({ cached: 2 })).toMatchObject({ result: "passed", database: { schema: 2 } });
    // The one in the cache is of after the report, or too old: another one than the server's.
    expect(await gate({ server: 2, cached: 0 })).toMatchObject({ result: "passed" });
    expect(await gate({ server: 2, cached: 74 })).toMatchObject({ result: "passed" });
  });

  it("has the age of the database of Java archives told, where it has some", async () => {
    expect(await gate({ database: 2, java: 5 })).toMatchObject({ result: "passed", javaDatabase: { schema: 2 } });
    expect(await gate({ database: 2 })).not.toHaveProperty("javaDatabase");
  });

  it.each([
    ["of which nobody knows what it looked for", "none", "nobody knows what was looked for"],
    ["that looked for no vulnerabilities", { scanners: ["secret", "license"] }, "nobody looked for vulnerabilities"],
    ["that left libraries out", { scanners: ["vuln", "secret"], packages: ["os"] }, "only os counted"],
    ["that left a folder out", { scanners: ["vuln", "secret"], skipped: ["app/vendor"] }, "left out was app/vendor"],
  ])("%s is no scan, unless that is allowed", async (_what, scope, words) => {
    const refused = await gate({ scope, database: 2 });
    expect(refused).toMatchObject({ result: "could_not_scan", exitCode: 11, why: expect.stringContaining(words) });
    const allowed = await gate({ scope, database: 2 }, { "allow-partial": true });
    expect(allowed).toMatchObject({ result: "passed", partial: true, notes: [expect.stringContaining(words)] });
    expect(allowed.scanned).toMatchObject({ result: "passed", partial: true });
  });

  it("needs no database when it looked for no vulnerabilities", async () => {
    const scope = { scanners: ["secret"] };
    expect(await gate({ scope }, { "allow-partial": true })).toMatchObject({ result: "passed" });
    expect(await gate({ scope }, { scanners: ["secret"], "fail-on": [] })).toMatchObject({ result: "passed" });
  });

  it.each([
    ["when nobody knows its database", {}, "nobody knows which one it was"],
    ["with a database that is too old", { database: 73 }, "it was made 4380 min"],
    ["with a server's database that is too old", { server: 73, cached: 2 }, "it was made 4380 min"],
    ["that is too old itself, beside a fresh cache", { made: 24 * 90, cached: 2 }, "was made after that"],
    ["that is too old itself, whatever is said of its database", { made: 73, database: 74 }, "the report is 4380 min"],
    ["that is older than its database", { made: 5, database: 2 }, "was made after that"],
    ["with a database of Java archives that is too old", { database: 2, java: 24 * 15 }, "the one of Java archives"],
    ["when nobody knows what named its archives", { database: 2, java: "none" }, "which one named its Java archives"],
    ["that does not tell when it was made", { made: "none", cached: 2 }, "does not tell when it was made"],
    ["of another Trivy than Belay's, which has the only database here", { published: 2 }, "nobody knows which one"],
  ] as const)("is no scan %s", async (_what, given, words) => {
    const { result, why } = await gate(given);
    expect(result).toBe("could_not_scan");
    expect(why).toContain(words);
  });

  it("that is too old is none of its own service's scans alone", async () => {
    const api = { ...IMAGE, platforms: { "linux/amd64": { config: sha256("api") } } };
    const paths = [await keep({ database: 2 }), await keep({ database: 73 }, "api", sha256("api"))];
    const settings = resolveScan({ inputs: { "cache-dir": "cache" }, workingDirectory: folder });
    const images = [["web", IMAGE] as const, ["api", api] as const];
    expect(await givenReports(createContext(folder), settings, paths, images)).toMatchObject([
      { scans: [{ cached: false }], obstacles: [] },
      { scans: [], obstacles: [{ obstacle: "stale_database" }] },
    ]);
  });

  it("is refused beside one of the same image that says something else, in whatever order", async () => {
    const os = await keep({ database: 2, scope: { scanners: ["vuln"], packages: ["os"] } }, "os");
    const scope = { scanners: ["vuln"], packages: ["library"] };
    const library = await keep({ database: 2, scope, vulnerable: true }, "library");
    const found = await keep({ database: 2, vulnerable: true }, "found");
    const settings = resolveScan({ inputs: { "allow-partial": true }, workingDirectory: folder });
    const read = (paths: readonly string[]) =>
      givenReports(createContext(folder), settings, paths, [["web", IMAGE]]).catch((error) => error);
    for (const paths of [
      [os, library],
      [library, os],
      [await keep({ database: 2 }), found],
    ]) {
      const message = expect.stringContaining(`${paths.join(" and ")} are both of this image`);
      expect(await read(paths)).toMatchObject({ code: "INVALID_INPUT", message });
    }
  });

  it("may stand beside one that says the same, as when two services have one image", async () => {
    const paths = [await keep({ database: 2, vulnerable: true }), await keep({ database: 2, vulnerable: true }, "api")];
    const settings = resolveScan({ inputs: {}, workingDirectory: folder });
    const images = [["web", IMAGE] as const, ["api", IMAGE] as const];
    const scan = { report: { findings: [{ id: LODASH.VulnerabilityID }] } };
    expect(await givenReports(createContext(folder), settings, paths, images)).toMatchObject([
      { scans: [scan], obstacles: [] },
      { scans: [scan], obstacles: [] },
    ]);
  });

  it("is kept without the values of the image's variables, and that text is what the release names", async () => {
    const path = await keep({ database: 2 });
    const settings = resolveScan({ inputs: {}, workingDirectory: folder });
    const [found = { scans: [], obstacles: [] }] = await givenReports(
      createContext(folder),
      settings,
      [path],
      [["web", IMAGE]],
    );
    const [scan] = found.scans;
    expect(scan?.json).toContain("DB_PASSWORD=****");
    expect(scan?.json).not.toContain("s3cret");
    const rules = await readRules(settings, ["web"]);
    const [gated] = gateServices(rules, [{ service: "web", identity: IMAGE, found }], new Date());
    expect(gated?.scanned.platforms["linux/amd64"]?.report).toBe(sha256(scan?.json ?? ""));
  });

  it("says what to do when nobody knows what named its Java archives", async () => {
    expect((await gate({ database: 2, java: "none" })).why).toMatch(
      /"java" in the `….database.json`.*`scan-cache-dir`/,
    );
  });

  it("is refused when what stands beside it can't be read", async () => {
    await expect(gate({ scope: { scanners: ["vulns"] }, database: 2 })).rejects.toMatchObject({
      code: "SCAN_FAILED",
      message: expect.stringContaining('It is to be like {"scanners": ["vuln", "secret"]}'),
    });
  });
});
