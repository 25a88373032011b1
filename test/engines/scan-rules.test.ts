/** What the settings of the gate do in a whole chain, with the real Trivy. The unit tests know what they say of one finding. */
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ImageIdentity, readRelease, sha256, writeRelease } from "@belay/core";
import {
  type ImageFiles,
  makeImageLayout,
  pushTrivyDatabase,
  SCAN_FILES,
  temporaryFolder,
  writeJavaDatabase,
  writeTrivyDatabase,
} from "@belay/testkit";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Job, LODASH_FILES, MINIMIST_FILES, openScanChain, type ScanChain } from "./scan-chain.ts";
import { DAY_MS, LODASH, STAND_MS } from "./scan-stand.ts";

type Files = Readonly<Record<string, string>>;

const MINIMIST = "CVE-2020-7598";
let chain: ScanChain;
/** belay.yaml without a word about the scan. */
let plain: string;
/** Of the image, of the commit before. */
let inImage: readonly string[] = [];

beforeAll(async () => {
  chain = await openScanChain();
  plain = await readFile(join(chain.repository.folder, "belay.yaml"), "utf8");
}, STAND_MS);
afterAll(() => chain?.[Symbol.asyncDispose]());

/** A build of a commit with these settings under `scan`, and with these files, of which those of the image are all that it has. */
async function built(scan: object, files: Files): Promise<Job> {
  const gone = inImage.filter((path) => files[path] === undefined).map((path) => [path, undefined] as const);
  inImage = Object.keys(files).filter((path) => path.startsWith("app/files/"));
  const settings = { "belay.yaml": `${plain}scan: ${JSON.stringify(scan)}\n` };
  await chain.commit("Another rule", { ...Object.fromEntries(gone), ...settings, ...files });
  const job = await chain.job();
  await job.build();
  return job;
}

/** Puts an image with a history that Trivy can read in the place of the classic builder's. */
async function replaceImage(job: Job, layers: readonly ImageFiles[]): Promise<void> {
  const release = await readRelease(join(job.folder, "belay/release.json"));
  const web = release.services.web as ImageIdentity;
  const files = { "linux/amd64": layers };
  const layout = await makeImageLayout(join(job.folder, "belay/images/web"), files, { env: ["A=b"] });
  const platforms = layout.platforms as ImageIdentity["platforms"];
  await writeRelease(join(job.folder, "belay/release.json"), {
    ...release,
    services: { web: { ...web, platforms } },
  });
}

const vulnerable = (words: string) => ({
  ...{ code: "VULNERABLE", exitCode: 10 },
  message: expect.stringContaining(words),
});

/** Rows of the summary that the scan left, `CVE-… fails`, the worst first, and why. */
async function told(job: Job): Promise<{ readonly seen: readonly string[]; readonly why: string }> {
  const { services } = JSON.parse(await job.read("scan.json"));
  const rows: { id: string; effect: string; because: string }[] = services[0].rows;
  return { seen: rows.map(({ id, effect }) => `${id} ${effect}`), why: rows.map(({ because }) => because).join("\n") };
}

describe("a vulnerability that attackers use", () => {
  const kev = JSON.stringify({ vulnerabilities: [{ cveID: MINIMIST, dateAdded: "2026-01-15" }] });
  const epss = `#model_version:v2025.03.14\ncve,epss,percentile\n${MINIMIST},0.71,0.98\nCVE-2000-1,0.9,0.99\n`;

  it("fails below the severity that does, when CISA's catalogue has it, unless that does not count", async () => {
    const files = { "security/kev.json": kev, ...MINIMIST_FILES };
    const job = await built({ kev: "security/kev.json" }, files);
    await expect(job.scan()).rejects.toMatchObject(vulnerable(`MEDIUM ${MINIMIST} in minimist 1.2.0`));
    const { seen, why } = await told(job);
    expect(seen).toEqual([`${MINIMIST} fails`]);
    expect(why).toBe("it is MEDIUM, and known to be exploited (CISA, 2026-01-15)");
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED", exitCode: 16 });

    const other = await built({ kev: "security/kev.json", "fail-on-exploited": false }, files);
    expect((await other.scan()).evidence.services.web).toMatchObject({ result: "passed", counts: { reported: 1 } });
  });

  it("fails from the probability that does, and not below it", async () => {
    const files = { "security/epss.csv": epss, ...MINIMIST_FILES };
    const job = await built({ epss: "security/epss.csv", "fail-on-probability": 0.7 }, files);
    await expect(job.scan()).rejects.toMatchObject(vulnerable(`MEDIUM ${MINIMIST} in minimist 1.2.0`));
    expect(await told(job)).toEqual({
      seen: [`${MINIMIST} fails`],
      why: "it is MEDIUM, and exploited with a probability of 0.71 (EPSS; 0.7 fails)",
    });
    const other = await built({ epss: "security/epss.csv", "fail-on-probability": 0.72 }, files);
    expect((await other.scan()).evidence.result).toBe("passed");
  });

  it.each([
    [{ kev: "security/kev.json" }, { "security/kev.json": "{}" }, "it has no `vulnerabilities`"],
    [{ epss: "security/epss.csv" }, { "security/epss.csv": "cve,score\n" }, "no columns cve and epss"],
    [{ vex: ["security/none.json"] }, {}, "reading a VEX document"],
  ])("is not looked for in a list that is broken or missing: %j", async (scan, files: Files, words) => {
    const job = await built(scan, { ...files, ...MINIMIST_FILES });
    await expect(job.scan()).rejects.toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining(words),
    });
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
  });
});

describe("a VEX document", () => {
  const openvex = (status: string, version: string) => ({
    ...{ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex/1", author: "acme", version: 1 },
    timestamp: "2026-01-01T00:00:00Z",
    statements: LODASH.map((name) => ({
      vulnerability: { name },
      products: [{ "@id": `pkg:npm/lodash@${version}` }],
      status,
      ...(status === "not_affected" ? { justification: "vulnerable_code_not_in_execute_path" } : {}),
    })),
  });
  const cyclonedx = {
    ...{ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 },
    components: [{ type: "library", name: "lodash", "bom-ref": "lodash", purl: "pkg:npm/lodash@4.17.11" }],
    vulnerabilities: LODASH.map((id) => ({
      id,
      analysis: { state: "not_affected", justification: "code_not_reachable", detail: "template() is never called" },
      affects: [{ ref: "lodash" }],
    })),
  };
  const csaf = {
    document: { csaf_version: "2.0", tracking: { current_release_date: "2026-01-01T00:00:00Z" } },
    product_tree: {
      full_product_names: [
        { product_id: "lodash", name: "lodash", product_identification_helper: { purl: "pkg:npm/lodash@4.17.11" } },
      ],
    },
    vulnerabilities: LODASH.map((cve) => ({ cve, product_status: { known_not_affected: ["lodash"] } })),
  };

  it.each([
    [
      "OpenVEX",
      openvex("not_affected", "4.17.11"),
      "statements[0] says not_affected: vulnerable_code_not_in_execute_path",
    ],
    ["CycloneDX", cyclonedx, "says not_affected: code_not_reachable"],
    ["CSAF", csaf, "says not_affected"],
  ])("of %s that says not affected is told as the reason why it passes", async (_name, document, words) => {
    const job = await built({ vex: ["vex.json"] }, { "vex.json": JSON.stringify(document), ...LODASH_FILES });
    const { evidence } = await job.scan();
    expect(evidence.services.web).toMatchObject({ result: "passed", counts: { fails: 0, ignored: 2 } });
    const { seen, why } = await told(job);
    expect(seen).toEqual(LODASH.map((id) => `${id} ignored`));
    for (const line of why.split("\n")) expect(line).toMatch(/^vex\.json /);
    expect(why).toContain(words);
    await job.push();
  });

  it.each([
    ["another version", openvex("not_affected", "4.17.10")],
    ["an affected one", openvex("affected", "4.17.11")],
  ])("of %s excuses nothing", async (_name, document) => {
    const job = await built({ vex: ["vex.json"] }, { "vex.json": JSON.stringify(document), ...LODASH_FILES });
    await expect(job.scan()).rejects.toMatchObject(vulnerable(LODASH[0]));
    expect((await told(job)).seen).toEqual(LODASH.map((id) => `${id} fails`));
  });
});

describe("what is no vulnerability", () => {
  const licensed = (license: string): Files => ({
    "app/files/app/node_modules/loaned/package.json": JSON.stringify({ name: "loaned", version: "1.0.0", license }),
  });

  it("fails as a licence that is forbidden, and is reported as one that is not, where licences are looked for", async () => {
    const job = await built({ scanners: ["vuln", "license"] }, licensed("AGPL-3.0-only"));
    await expect(job.scan()).rejects.toMatchObject(vulnerable("AGPL-3.0-only"));
    expect((await told(job)).seen).toContain("AGPL-3.0-only fails");
    const other = await built({ scanners: ["vuln", "license"] }, licensed("MIT"));
    await other.scan();
    expect((await told(other)).seen).toContain("MIT reported");
    const silent = await built({}, licensed("AGPL-3.0-only"));
    expect((await silent.scan()).evidence.services.web?.counts).toMatchObject({ fails: 0, reported: 0 });
  });

  it("fails as what a Dockerfile does wrong, where that is looked for, unless it is ignored with a reason", async () => {
    const scan = { scanners: ["vuln", "misconfig"] };
    const job = await built(scan, {});
    await asLayout(job);
    await expect(job.scan()).rejects.toMatchObject(vulnerable("HIGH DS-0002"));
    expect((await told(job)).seen).toContain("DS-0002 fails");
    await writeFile(join(chain.repository.folder, ".trivyignore"), "# sleep needs nobody's rights\nDS-0002\n");
    try {
      const { evidence, files } = await job.scan({ "scan-formats": "sarif,cyclonedx" });
      expect(evidence.result).toBe("passed");
      const read = async (folder = "", name = ""): Promise<string> => readFile(join(folder, name), "utf8");
      const bill = JSON.parse(await read(files.cyclonedx, "web-linux-amd64.cdx.json"));
      const name = `${chain.registry.address}/acme/web`;
      const purl = expect.stringMatching(/^pkg:oci\/web@sha256[:%].*repository_url=.*web$/);
      expect(bill.metadata.component).toMatchObject({ name, purl });
      const sarif = await read(files.sarif, "web-linux-amd64.sarif");
      expect(sarif).toContain("acme/web");
      expect(sarif).not.toMatch(/"[^"]*layout"/);
    } finally {
      await rm(join(chain.repository.folder, ".trivyignore"));
    }
    expect((await told(job)).why).toContain(".trivyignore:2 ignores it for ever: sleep needs nobody's rights");
  });

  const asLayout = (job: Job) => replaceImage(job, [SCAN_FILES.debian]);

  it("is known from the Dockerfile where Trivy can't read the history, as of the classic builder with a label of two words", async () => {
    const job = await built({ scanners: ["vuln", "misconfig"] }, {});
    await expect(job.scan()).rejects.toMatchObject(vulnerable("HIGH DS-0002 in app/Dockerfile"));
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    // That of another commit is not the one that the image was built from.
    await chain.commit("Go on", {});
    await expect(job.scan()).rejects.toMatchObject({
      ...{ code: "SCAN_FAILED", exitCode: 11 },
      message: expect.stringMatching(/misconfigurations.*could not parse the image's history/),
    });
    expect(job.log.text()).toMatch(/web: its Dockerfile is not here, .*: commit \w{12} is checked out/);
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
  });

  it("fails as a secret inside, which goes nowhere", async () => {
    const [[, text]] = Object.entries(SCAN_FILES.secret) as [[string, string]];
    const job = await built({}, { "app/files/settings.sh": text });
    const thrown: unknown = await job.scan().catch((error: unknown) => error);
    expect(thrown).toMatchObject(vulnerable("CRITICAL github-pat"));
    const secret = text.split("=")[1]?.trim() ?? "";
    expect(secret.length).toBeGreaterThan(30);
    expect([JSON.stringify(thrown), String(thrown)].join("\n")).not.toContain(secret);
    const texts = await job.texts();
    expect(texts.filter((one) => one.includes("github-pat")).length).toBeGreaterThan(1);
    expect(texts.filter((one) => one.includes(secret))).toEqual([]);
  });
});

describe("a .trivyignore.yaml of the project", () => {
  it("ignores where and until when it says, and nothing else", async () => {
    const [first, second] = LODASH as readonly [string, string];
    const entry = (id: string, more: string): string => `  - { id: ${id}, ${more} }\n`;
    const rules = (until: string, path: string): Files => ({
      ".trivyignore.yaml": `vulnerabilities:\n${entry(first, `paths: ["${path}"], statement: nobody calls it`)}${entry(second, `expired_at: ${until}, statement: until the update is through`)}`,
    });
    const lodash = "app/node_modules/lodash/package.json";
    const job = await built({}, { ...LODASH_FILES, ...rules("2020-01-01", lodash) });
    await expect(job.scan()).rejects.toMatchObject(vulnerable(second));
    const { seen, why } = await told(job);
    expect(seen.toSorted()).toEqual([`${first} ignored`, `${second} fails`].toSorted());
    expect(why).toContain(".trivyignore.yaml vulnerabilities[0] ignores it for ever: nobody calls it");
    expect(why).toContain(".trivyignore.yaml vulnerabilities[1] ignored it until 2020-01-01");
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });

    const elsewhere = await built({}, { ...LODASH_FILES, ...rules("2999-01-01", "other/package.json") });
    await expect(elsewhere.scan()).rejects.toMatchObject(vulnerable(first));
    expect((await told(elsewhere)).seen.toSorted()).toEqual([`${first} fails`, `${second} ignored`].toSorted());

    const passing = await built({}, { ...LODASH_FILES, ...rules("2999-01-01", lodash) });
    const { evidence } = await passing.scan();
    expect(evidence.services.web).toMatchObject({ result: "passed", counts: { fails: 0, ignored: 2 } });
    await chain.commit("Ignore nothing", { ".trivyignore.yaml": undefined });
  });
});

describe("a vulnerability without a fix", () => {
  const [affected, wontFix] = ["CVE-2010-4756", "CVE-2023-45853"];
  const files = Object.fromEntries(
    Object.entries(SCAN_FILES.unfixed).map(([path, text]) => [`app/files/${path}`, String(text)]),
  );
  const ignoring = (...statuses: readonly string[]) =>
    built({ "fail-on": ["CRITICAL", "LOW"], "ignore-status": statuses }, files);

  it("fails unless its status is ignored, which is told as the reason", async () => {
    const job = await ignoring("will_not_fix", "end_of_life");
    await expect(job.scan()).rejects.toMatchObject(vulnerable(`LOW ${affected} in libc6`));
    const { seen, why } = await told(job);
    expect(seen).toEqual([`${affected} fails`, `${wontFix} ignored`]);
    expect(why).toBe("it is LOW\nthe status will_not_fix is ignored");
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });

    const passing = await ignoring("affected", "will_not_fix");
    const { evidence } = await passing.scan();
    expect(evidence.services.web).toMatchObject({ result: "passed", counts: { fails: 0, ignored: 2 } });
    expect((await told(passing)).why).toContain("the status affected is ignored");
    await passing.push();
  });
});

describe("databases of the user's own registry", () => {
  it("are not asked for where updates are off: what is in the cache has to do, and without one nothing was scanned", async () => {
    await using made = await temporaryFolder("belay-no-update");
    const repository = `${chain.registry.address}/off/trivy-db:2`;
    const settings = { "update-db": false, "cache-dir": made.path, "db-repository": [repository] };
    const job = await built(settings, LODASH_FILES);
    const before = (await chain.calls()).length;
    await expect(job.scan()).rejects.toMatchObject({
      ...{ code: "SCAN_FAILED", exitCode: 11 },
      message: expect.stringContaining(`there is none in ${made.path}, and none may be downloaded`),
    });
    await expect(job.scan()).rejects.toThrow("`update-db`");
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
    // A newer one could be had for long.
    await writeTrivyDatabase(join(made.path, "db"), { updatedAt: new Date(Date.now() - 2 * DAY_MS) });
    await expect(job.scan()).rejects.toMatchObject(vulnerable(LODASH[0]));
    const calls = (await chain.calls()).slice(before);
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.filter((line) => line.includes("--download"))).toEqual([]);
    expect(await chain.registry.log()).not.toContain("off/trivy-db");
  });

  it("are taken from there into an empty cache, no older than is allowed, and the evidence names them", async () => {
    await using made = await temporaryFolder("belay-own-databases");
    const [own, java] = [join(made.path, "db"), join(made.path, "java")];
    const updatedAt = new Date(Date.now() - 10 * DAY_MS);
    const second = updatedAt.toISOString().slice(0, 19);
    await writeTrivyDatabase(own, { updatedAt });
    const jar = zipSync({ "META-INF/MANIFEST.MF": strToU8("Manifest-Version: 1.0\n") });
    const sha1 = createHash("sha1").update(jar).digest("hex");
    const log4j = { group: "org.apache.logging.log4j", artifact: "log4j-core", version: "2.14.1", sha1 };
    await writeJavaDatabase(java, [log4j]);
    const { url, address } = chain.registry;
    await pushTrivyDatabase(own, { url, repository: "own/trivy-db", tag: "2" });
    await pushTrivyDatabase(java, { url, repository: "own/java-db", tag: "1", kind: "java" });
    const settings = {
      "db-repository": [`${address}/own/trivy-db:2`],
      "java-db-repository": [`${address}/own/java-db:1`],
      "cache-dir": join(made.path, "cache"),
    };
    const job = await built(settings, {});
    const files = [SCAN_FILES.debian, SCAN_FILES.oldLodash, { "app/no-name.jar": jar }];
    const replace = (one: Job) => replaceImage(one, files);
    await replace(job);
    await expect(job.scan()).rejects.toMatchObject({
      ...{ code: "SCAN_FAILED", exitCode: 11 },
      message: expect.stringMatching(
        new RegExp(`it was made .* ago \\(${second}.*\\), .* is allowed.*max-db-age`, "s"),
      ),
    });
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });

    const later = await built({ ...settings, "max-db-age": "11d" }, {});
    await replace(later);
    await expect(later.scan()).rejects.toMatchObject(vulnerable("CVE-2021-44228"));
    expect((await told(later)).seen.filter((one) => one.endsWith(" fails"))).toEqual(
      expect.arrayContaining([...LODASH, "CVE-2021-44228"].map((id) => `${id} fails`)),
    );
    const { evidence } = await readRelease(join(later.folder, "belay/release.json"));
    expect(evidence.scan).toMatchObject({
      result: "vulnerable",
      database: { updatedAt: expect.stringContaining(second), digest: sha256(await readFile(join(own, "trivy.db"))) },
      javaDatabase: { schema: 1 },
    });
    const asked = await chain.registry.log();
    for (const name of ["trivy-db", "java-db"]) {
      expect(asked.match(new RegExp(`GET /v2/own/${name}/blobs/`, "g"))?.length).toBeGreaterThan(0);
    }
  });
});
