import { cp, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "@belay/core";
import { convertReport, parseTrivyignore, REPORT_FORMATS, type ScanSubject } from "@belay/scan";
import { freePort, makeImageLayout, SCAN_FILES, startRegistry, useEngine } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY_MS, gate, LODASH, type ScanStand, STAND_MS, startScanStand } from "./scan-stand.ts";

let stand: ScanStand;
beforeAll(async () => {
  stand = await startScanStand();
}, STAND_MS);
afterAll(() => stand?.[Symbol.asyncDispose]());

describe("an image", () => {
  it("that is clean passes, with the database's age", async () => {
    const result = gate(await stand.scanFiles(SCAN_FILES.debian, SCAN_FILES.newLodash));
    expect(result).toMatchObject({ result: "passed", exitCode: 0, decisions: [], obstacles: [], notes: [] });
    expect(result.database?.ageMs).toBeLessThan(DAY_MS);
  });

  it("that is vulnerable fails, and it is told what, where from, and what fixes it", async () => {
    const found = await stand.scanFiles(SCAN_FILES.debian, SCAN_FILES.oldLodash, SCAN_FILES.oldMinimist);
    const result = gate(found);
    expect(result).toMatchObject({ result: "vulnerable", exitCode: 10 });
    expect(result.seen).toEqual([`${LODASH[0]} fails`, `${LODASH[1]} fails`, "CVE-2020-7598 reported"]);
    expect(result.decisions[0]?.finding).toMatchObject({
      kind: "vulnerability",
      severity: "CRITICAL",
      package: "lodash",
      installed: "4.17.11",
      fixed: "4.17.12",
      status: "fixed",
      platform: "linux/amd64",
      purl: "pkg:npm/lodash@4.17.11",
      path: "app/node_modules/lodash/package.json",
      score: 9.1,
      layer: { diffId: found.scans[0] && JSON.parse(found.scans[0].json).Metadata.DiffIDs[1] },
    });
  });

  it("whose vulnerability nobody will fix fails, or is ignored as it is asked for", async () => {
    const found = await stand.scanFiles(SCAN_FILES.unfixable);
    expect(gate(found).seen).toEqual(["CVE-2023-45853 fails"]);
    expect(gate(found, { ignoreUnfixed: true }).seen).toEqual(["CVE-2023-45853 ignored"]);
    expect(gate(found, { ignoreStatuses: ["will_not_fix"] }).seen).toEqual(["CVE-2023-45853 ignored"]);
  });

  it("with a secret inside fails, and the secret goes nowhere", async () => {
    const found = await stand.scanFiles(SCAN_FILES.debian, SCAN_FILES.secret);
    const result = gate(found);
    expect(result.seen).toEqual(["github-pat fails"]);
    expect(result.decisions[0]?.finding).toMatchObject({ target: "/app/settings.sh", line: 1 });
    expect(JSON.stringify([result, found])).not.toContain("b3LayTe5t");
  });

  it("with a secret in its environment fails too, and with what its Dockerfile did when that is looked for", async () => {
    const token = SCAN_FILES.secret["app/settings.sh"].split("=")[1]?.trim() ?? "";
    const layout = await makeImageLayout(
      join(stand.folder, stand.fresh("image")),
      { "linux/amd64": [SCAN_FILES.debian] },
      { env: [`GITHUB_TOKEN=${token}`, "DB_PASSWORD=hunter2"], labels: { title: "A shop of Belay" } },
    );
    const subject = { kind: "layout", path: layout.path } as const;
    const found = await stand.scan(subject);
    const result = gate(found);
    expect(result.seen).toEqual(["github-pat fails", "github-pat fails"]);
    expect(new Set(result.decisions.map((one) => one.finding.target))).toEqual(new Set(["image config"]));
    const whole = await stand.scan(subject, { scanners: ["vuln", "secret", "misconfig"] });
    const json = whole.scans[0]?.json ?? "";
    const told = await Promise.all(REPORT_FORMATS.map((format) => convertReport(stand.trivy, json, format)));
    for (const text of [JSON.stringify([result, found, whole]), ...told]) {
      expect(text).not.toContain("b3LayTe5t");
      expect(text).not.toContain("hunter2");
    }
    expect(told[REPORT_FORMATS.indexOf("sarif")]).toContain("GITHUB_TOKEN=****");
    expect(told[REPORT_FORMATS.indexOf("cyclonedx")]).toContain("A shop of Belay");
    const all = gate(whole);
    expect(all.decisions.map((one) => one.finding)).toContainEqual(
      expect.objectContaining({ kind: "misconfiguration", id: "DS-0002", target: "image config", severity: "HIGH" }),
    );
  });

  it("is ignored in part until the day that the file says", async () => {
    const found = await stand.scanFiles(SCAN_FILES.oldLodash);
    const ignores = parseTrivyignore(`${LODASH[0]} exp:2020-01-01\n${LODASH[1]} # not called`);
    const result = gate(found, {}, { ignores });
    expect(result.seen).toEqual([`${LODASH[0]} fails`, `${LODASH[1]} ignored`]);
    expect(result.decisions[0]?.because).toContain("ignored it until 2020-01-01");
    expect(gate(found, {}, { ignores, now: new Date("2019-12-31T00:00:00Z") })).toMatchObject({ result: "passed" });
  });

  it("fails only for what it brings in, compared to the one that runs", async () => {
    const [running, candidate] = [
      await stand.scanFiles(SCAN_FILES.oldLodash),
      await stand.scanFiles(SCAN_FILES.oldLodash, SCAN_FILES.unfixable),
    ];
    const baseline = running.scans.map((one) => one.report);
    const result = gate(candidate, { onlyNew: true }, { baseline });
    expect(result.seen).toEqual(["CVE-2023-45853 fails", `${LODASH[0]} known`, `${LODASH[1]} known`]);
    const back = gate(running, { onlyNew: true }, { baseline: candidate.scans.map((one) => one.report) });
    expect(back).toMatchObject({ result: "passed", comparison: { fixed: [{ id: "CVE-2023-45853" }], introduced: [] } });
  });

  it("in which nothing is recognised was not scanned", async () => {
    expect(gate(await stand.scanFiles(SCAN_FILES.unknown))).toMatchObject({
      result: "could_not_scan",
      exitCode: 11,
      obstacles: [{ obstacle: "unknown_os", platform: "linux/amd64" }],
    });
  });

  it("of a distribution whose packages nobody knows was not scanned, whatever libraries it has", async () => {
    const fedora = { "etc/os-release": 'ID=fedora\nVERSION_ID="40"\n' };
    const { "var/lib/dpkg/status": _list, ...bare } = SCAN_FILES.debian;
    for (const files of [fedora, bare]) {
      const found = await stand.scanFiles(files, SCAN_FILES.newLodash);
      expect(gate(found)).toMatchObject({ result: "could_not_scan", obstacles: [{ obstacle: "unknown_os" }] });
      expect(gate(found, { allowUnknownOs: true })).toMatchObject({ result: "passed" });
    }
    const only = expect.stringContaining("only node-pkg was checked");
    expect(gate(await stand.scanFiles(SCAN_FILES.newLodash))).toMatchObject({ result: "passed", notes: [only] });
    // Arch, as Trivy sees it: nothing. That a shell ran tells that there is something.
    const arch = { "etc/os-release": "ID=arch\n" };
    const place = join(stand.folder, stand.fresh("arch"));
    const layers = { "linux/amd64": [arch, SCAN_FILES.newLodash] };
    const { path } = await makeImageLayout(place, layers, { ran: ["pacman -Syu --noconfirm"] });
    const ran = gate(await stand.scan({ kind: "layout", path }));
    expect(ran).toMatchObject({
      result: "could_not_scan",
      obstacles: [{ obstacle: "unknown_os", message: expect.stringContaining("though a shell ran in it") }],
    });
  });

  it("of two platforms fails for the one that is vulnerable", async () => {
    const both = await stand.image({ "linux/amd64": [SCAN_FILES.newLodash], "linux/arm64": [SCAN_FILES.oldLodash] });
    const expected = both.platforms as Record<string, { config: Digest }>;
    const reference = await both.push(stand.registry.url, "acme/shop");
    const subjects: ScanSubject[] = [
      { kind: "layout", path: both.path },
      { kind: "registry", reference },
    ];
    for (const subject of subjects) {
      const found = await stand.scan(subject, { platforms: ["linux/amd64", "linux/arm64"], expected });
      const result = gate(found);
      expect(result.obstacles).toEqual([]);
      expect(result.decisions.map((one) => one.finding.platform)).toEqual(["linux/arm64", "linux/arm64"]);
      expect(found.scans.map(({ report }) => [report.platform, report.imageId]).sort()).toEqual([
        ["linux/amd64", both.platforms["linux/amd64"]?.config],
        ["linux/arm64", both.platforms["linux/arm64"]?.config],
      ]);
    }
  });

  it("is found in an archive too, whatever its path looks like; not as another one", async () => {
    const { archive, platforms } = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    const path = join(stand.folder, "--severity=LOW $(id) `id` ü.tar");
    await cp(await archive("shop:1"), path);
    expect(gate(await stand.scan({ kind: "archive", path })).seen).toHaveLength(2);
    const other = { "linux/amd64": { config: `sha256:${"0".repeat(64)}` as const } };
    const wrong = await stand.scan({ kind: "archive", path }, { expected: other });
    expect(wrong).toMatchObject({ scans: [], obstacles: [{ obstacle: "wrong_image" }] });
    expect(wrong.obstacles[0]?.message).toContain(platforms["linux/amd64"]?.config);
  });
});

describe("an image of the local engine", () => {
  let engine: Awaited<ReturnType<typeof useEngine>>;
  beforeAll(async () => {
    engine = await useEngine();
  });
  afterAll(() => engine?.stop());

  it("is scanned by its ID; without it, and without the engine, nothing was scanned", async () => {
    const own = await stand.open({ env: engine.env });
    const layout = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    await engine.docker(["load", "--quiet", "--input", await layout.archive("belay-test.invalid/scan:1")]);
    const id = (
      await engine.docker(["image", "inspect", "--format={{.Id}}", "belay-test.invalid/scan:1"])
    ).stdout.trim();
    const subject = { kind: "engine", id: id as Digest } as const;
    expect(gate(await stand.scan(subject, { trivy: own })).seen).toHaveLength(2);
    await engine.docker(["image", "rm", "belay-test.invalid/scan:1"]);
    expect(gate(await stand.scan(subject, { trivy: own }))).toMatchObject({
      result: "could_not_scan",
      obstacles: [{ obstacle: "image_not_found" }],
    });
    const nowhere = { ...engine.env, DOCKER_HOST: `unix://${stand.folder}/no.sock` };
    const lost = await stand.open({ env: nowhere });
    expect((await stand.scan(subject, { trivy: lost })).obstacles).toMatchObject([{ obstacle: "unreachable" }]);
  });
});

describe("what is wrong with an image or its source", () => {
  const platforms = ["linux/amd64"];
  const nothing = `sha256:${"0".repeat(64)}`;

  it("is told: not there, no registry, a login is missing", async () => {
    const ask = async (reference: string) =>
      (await stand.scan({ kind: "registry", reference }, { platforms })).obstacles;
    expect(await ask(`${stand.registry.address}/acme/none@${nothing}`)).toMatchObject([
      { obstacle: "image_not_found" },
    ]);
    expect(await ask(`127.0.0.1:${await freePort()}/acme/none@${nothing}`)).toMatchObject([
      { obstacle: "unreachable" },
    ]);
    await using closed = await startRegistry({ auth: { user: "ada", password: "s3cret" } });
    expect(await ask(`${closed.address}/acme/none@${nothing}`)).toMatchObject([{ obstacle: "unauthorised" }]);
  });

  it("is told: a platform that it has not", async () => {
    const { path } = await stand.image({ "linux/amd64": [SCAN_FILES.newLodash] });
    const { scans, obstacles } = await stand.scan({ kind: "layout", path }, { platforms: ["linux/arm64"] });
    expect([scans, obstacles]).toMatchObject([[], [{ obstacle: "broken_image" }]]);
  });

  it("is told: a layer that is cut off, no image at all", async () => {
    const { archive } = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    const path = await archive();
    await truncate(path, 4_000);
    expect((await stand.scan({ kind: "archive", path })).obstacles).toMatchObject([{ obstacle: "broken_image" }]);
    await writeFile(path, "no image");
    expect((await stand.scan({ kind: "archive", path })).obstacles).toMatchObject([{ obstacle: "broken_image" }]);
    expect((await stand.scan({ kind: "layout", path: stand.folder })).obstacles).toMatchObject([
      { obstacle: "broken_image" },
    ]);
  });

  it("is told: no time", async () => {
    const { path } = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    const { obstacles } = await stand.scan({ kind: "layout", path }, { timeoutMs: 0 });
    expect(obstacles).toMatchObject([{ obstacle: "timed_out" }]);
  });

  it("is thrown when it is the caller's: no platform named, a platform that is a flag, an aborted run", async () => {
    const reference = `${stand.registry.address}/acme/none@${nothing}`;
    const wrong = { code: "INVALID_INPUT", exitCode: 2 };
    await expect(stand.scan({ kind: "registry", reference })).rejects.toMatchObject(wrong);
    await expect(stand.scan({ kind: "registry", reference }, { platforms: ["--x"] })).rejects.toMatchObject(wrong);
    const signal = AbortSignal.abort(new Error("the job was cancelled"));
    const { path } = await stand.image({ "linux/amd64": [SCAN_FILES.oldLodash] });
    await expect(stand.scan({ kind: "layout", path }, { signal })).rejects.toThrow("the job was cancelled");
  });
});

describe("options of Trivy around it", () => {
  it("do not filter: neither its variables, nor files in the working directory", async () => {
    const before = { ...process.env };
    Object.assign(process.env, { TRIVY_SEVERITY: "LOW", TRIVY_IGNORE_UNFIXED: "true", TRIVY_SCANNERS: "license" });
    try {
      expect(gate(await stand.scanFiles(SCAN_FILES.oldLodash)).seen).toHaveLength(2);
    } finally {
      process.env = before;
    }
  });
});

it("one scan gives every format", async () => {
  const [scan] = (await stand.scanFiles(SCAN_FILES.debian, SCAN_FILES.oldLodash, SCAN_FILES.oldMinimist)).scans;
  for (const format of REPORT_FORMATS) {
    const text = await convertReport(stand.trivy, scan?.json ?? "", format);
    expect(() => JSON.parse(text)).not.toThrow();
    expect(text, format).toContain("lodash");
    // A bill of materials stands beside the image, where everybody reads it who can read that.
    if (format !== "sarif") expect(text, format).not.toMatch(/cve-/i);
  }
  const sarif = JSON.parse(await convertReport(stand.trivy, scan?.json ?? "", "sarif"));
  // Of every severity, as the JSON: which of them fail is the gate's affair.
  const seen = sarif.runs[0].results.map(
    ({ ruleId, level }: { ruleId: string; level: string }) => `${ruleId} ${level}`,
  );
  expect(seen.sort()).toEqual([`${LODASH[0]} error`, "CVE-2020-7598 warning", `${LODASH[1]} error`]);
  const rules: { id: string; properties: { "security-severity": string } }[] = sarif.runs[0].tool.driver.rules;
  // Where code scanning draws its lines: critical from 9, high from 7, medium from 4 (GitHub, "SARIF support").
  const bands = [
    [9, "critical"],
    [7, "high"],
    [4, "medium"],
    [0, "low"],
  ] as const;
  const shown = rules.map(({ id, properties }) => {
    const score = Number(properties["security-severity"]);
    return `${id} ${bands.find(([from]) => score >= from)?.[1]}`;
  });
  expect(shown.sort()).toEqual([`${LODASH[0]} critical`, "CVE-2020-7598 medium", `${LODASH[1]} high`]);
  for (const format of ["sarif", "cyclonedx"] as const) {
    await expect(convertReport(stand.trivy, "{", format)).rejects.toMatchObject({ code: "SCAN_FAILED", exitCode: 11 });
  }
});

it("a Trivy that is none, or is missing, is told before anything", async () => {
  const none = stand.open({ command: join(stand.folder, "none") });
  await expect(none).rejects.toMatchObject({ code: "TOOL_MISSING" });
  await symlink("/bin/true", join(stand.folder, "true"));
  const other = stand.open({ command: join(stand.folder, "true") });
  await expect(other).rejects.toMatchObject({ code: "TOOL_MISSING" });
});
