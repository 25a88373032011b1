import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, type ImageIdentity, scanEvidence, sha256, writeRelease } from "@belay/core";
import { databaseFileOf, scopeFileOf } from "@belay/scan";
import {
  freePort,
  makeImageLayout,
  SCAN_FILES,
  startSsh,
  startTrivyServer,
  temporaryFolder,
  writeTrivyDatabase,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { LODASH_FILES, MINIMIST_FILES, openScanChain, type ScanChain } from "./scan-chain.ts";
import { LODASH, STAND_MS } from "./scan-stand.ts";
import { startTlsDoor } from "./start-tls-door.ts";

/** Each test goes on from where the one before left the environment, as commits do. */
let chain: ScanChain;

beforeAll(async () => {
  chain = await openScanChain();
}, STAND_MS);
afterAll(() => chain?.[Symbol.asyncDispose]());

const tagOf = (sha: string): Promise<Response> =>
  fetch(`${chain.registry.url}/v2/acme/web/manifests/sha-${sha.slice(0, 12)}`);

it("gives no tag to an image that was not scanned, and the release tells what was", async () => {
  const sha = await chain.commit("Open", {});
  const job = await chain.job();
  const { release } = await job.build();
  const refused = { code: "NOT_SCANNED", exitCode: 16, message: expect.stringContaining("web: it was not scanned") };
  await expect(job.push()).rejects.toMatchObject(refused);
  expect((await tagOf(sha)).status).toBe(404);

  const scanned = await job.scan();
  const config = release.services.web?.platforms["linux/amd64"]?.config;
  const report = await readFile(join(String(scanned.files.json), "web-linux-amd64.json"), "utf8");
  expect(job.log.text()).toMatch(/The database of vulnerabilities is of .*Z, \d+ h old\./);
  expect(scanned.evidence).toMatchObject({
    result: "passed",
    scanners: ["vuln", "secret"],
    scanner: { name: "trivy", version: expect.stringMatching(/^0\.\d+/) },
    database: { schema: 2, ageMs: expect.any(Number), digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    services: {
      web: {
        result: "passed",
        counts: { fails: 0, known: 0, reported: 0, ignored: 0 },
        platforms: { "linux/amd64": { config, report: sha256(report) } },
      },
    },
  });
  const pushed = await job.push();
  expect(scanEvidence(pushed.release)).toEqual(scanned.evidence);
  expect((await tagOf(sha)).status).toBe(200);
  await job.deploy();
  expect(JSON.parse(await job.read("report.json"))).toMatchObject({ outcome: "succeeded", scan: { result: "passed" } });
});

it("stops a commit that brings a vulnerability in, and tells what is new against the running release", async () => {
  const sha = await chain.commit("Need lodash", { ...LODASH_FILES, ...MINIMIST_FILES });
  const job = await chain.job();
  await job.build();
  await expect(job.scan()).rejects.toMatchObject({
    code: "VULNERABLE",
    exitCode: 10,
    message: expect.stringContaining(`CRITICAL ${LODASH[0]} in lodash 4.17.11: fixed in 4.17.12`),
  });
  expect(job.log.text()).toContain("error: lodash 4.17.11: fixed in 4.17.12. ");
  const file = "app/files/app/node_modules/lodash/package.json";
  expect(job.annotated).toEqual([
    { title: `CRITICAL ${LODASH[0]} in web`, file },
    { title: `HIGH ${LODASH[1]} in web`, file },
  ]);
  const told = JSON.parse(await job.read("report.json"));
  expect(told).toMatchObject({ reason: "vulnerabilities_found", environment: "staging" });
  const [web] = told.scan.services;
  expect(web.comparison).toEqual({ introduced: 3, fixed: 0, unchanged: 0 });
  expect(web.rows[0]).toMatchObject({ change: "new", effect: "fails", id: LODASH[0], remedy: "fixed in 4.17.12" });
  expect(web.rows[0].origin).toMatch(/COPY|sha256:/);
  await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
  expect((await tagOf(sha)).status).toBe(404);
});

it("ignores what a file of the repository ignores, until the day that it says", async () => {
  const job = await chain.job();
  await job.build();
  const rules = join(chain.repository.folder, ".trivyignore");
  await writeFile(rules, `${LODASH[0]} exp:2020-01-01\n# nobody calls template()\n${LODASH[1]}\n`);
  await expect(job.scan()).rejects.toMatchObject({
    code: "VULNERABLE",
    message: expect.not.stringContaining(LODASH[1]),
  });
  await writeFile(rules, `# until the update is through\n${LODASH[0]} exp:2999-01-01\n# nobody calls it\n${LODASH[1]}`);
  const { evidence, summary } = await job.scan();
  expect(evidence.services.web).toMatchObject({ result: "passed", counts: { ignored: 2, reported: 1 } });
  const because = summary.services[0]?.rows.map((row) => row.because).join("\n");
  expect(because).toContain(".trivyignore:2 ignores it until 2999-01-01: until the update is through");
  await job.push();
  expect((await job.deploy()).report).toMatchObject({ outcome: "succeeded" });
  await writeFile(rules, "");
});

it("does not look again at what it has looked at, but decides again", async () => {
  const job = await chain.job();
  await job.build();
  const before = await chain.looks();
  await expect(job.scan()).rejects.toMatchObject({ code: "VULNERABLE" });
  expect((await job.scan({ "scan-fail-on": "none" })).evidence.result).toBe("passed");
  expect(await chain.looks()).toBe(before);
  await writeTrivyDatabase(join(chain.cache, "db"), { without: [LODASH[1]], updatedAt: new Date(Date.now() - 60_000) });
  await expect(job.scan()).rejects.toMatchObject({ code: "VULNERABLE" });
  expect(await chain.looks()).toBeGreaterThan(before);
});

it("fails only for what is new when it is asked to, both looked at with the same database", async () => {
  const job = await chain.job();
  await job.build();
  // What runs has the same; the database knows more of it than when it was deployed.
  await writeTrivyDatabase(join(chain.cache, "db"));
  const known = await job.scan({ "scan-only-new": "true" });
  expect(known.evidence.services.web).toMatchObject({ result: "passed", counts: { fails: 0, known: 2 } });
  expect(known.summary.services[0]?.comparison).toEqual({ introduced: 0, fixed: 0, unchanged: 3 });

  await chain.commit("Do without minimist", { "app/files/app": undefined, ...LODASH_FILES });
  const next = await chain.job();
  await next.build();
  const fixed = await next.scan({ "scan-only-new": "true" });
  expect(fixed.summary.services[0]?.comparison).toEqual({ introduced: 0, fixed: 1, unchanged: 2 });
  expect(fixed.summary.services[0]?.rows.find((row) => row.change === "fixed")).toMatchObject({ id: "CVE-2020-7598" });
});

it("takes reports that another step made of these very images, and no others", async () => {
  const earlier = await chain.job();
  await earlier.build();
  const { files } = await earlier.scan({ "scan-fail-on": "none" });
  const report = join(String(files.json), "web-linux-amd64.json");
  const before = await chain.looks();
  const job = await chain.job();
  await job.build();
  const quiet = { report, "scan-fail-on": "none" };
  const unknown = { code: "SCAN_FAILED", message: expect.stringContaining("nobody knows what was looked for") };
  await expect(job.scan(quiet)).rejects.toMatchObject(unknown);
  await writeFile(scopeFileOf(report), JSON.stringify({ scanners: ["secret"] }));
  const blind = { code: "SCAN_FAILED", exitCode: 11, message: expect.stringContaining("looked for vulnerabilities") };
  await expect(job.scan(quiet)).rejects.toMatchObject(blind);
  const allowed = await job.scan({ ...quiet, "scan-allow-partial": "true" });
  expect(allowed.evidence).toMatchObject({ result: "passed", scanners: ["secret"] });
  expect(allowed.summary.services).toMatchObject([{ partial: true, headline: expect.stringContaining("only a part") }]);
  await writeFile(scopeFileOf(report), JSON.stringify({ scanners: ["vuln", "secret"] }));
  await expect(job.scan({ report })).rejects.toMatchObject({ code: "VULNERABLE" });
  expect(await chain.looks()).toBe(before);
  const { evidence } = await job.scan(quiet);
  expect(evidence.scanners).toEqual(["vuln", "secret"]);
  expect(evidence.services.web?.platforms["linux/amd64"]?.report).toBe(sha256(await readFile(report, "utf8")));
  await expect(job.scan({ report, "scan-cache-dir": job.folder })).rejects.toMatchObject({
    code: "SCAN_FAILED",
    message: expect.stringContaining("nobody knows which one it was"),
  });
  const elsewhere = { report, "scan-cache-dir": job.folder };
  await writeFile(databaseFileOf(report), JSON.stringify({ schema: 2, updatedAt: "2020-01-01T00:00:00Z" }));
  await expect(job.scan(elsewhere)).rejects.toMatchObject({ message: expect.stringContaining("is allowed") });
  const made = String(JSON.parse(await readFile(report, "utf8")).CreatedAt);
  await writeFile(databaseFileOf(report), JSON.stringify({ schema: 2, updatedAt: made }));
  await expect(job.scan(elsewhere)).rejects.toMatchObject({ code: "VULNERABLE" });
  // A fresh database in the cache is not the one that an old report was made with.
  const old = join(job.folder, "old.json");
  await writeFile(old, (await readFile(report, "utf8")).replaceAll(made, "2026-01-01T00:00:00Z"));
  await writeFile(scopeFileOf(old), JSON.stringify({ scanners: ["vuln", "secret"] }));
  const before2026 = { code: "SCAN_FAILED", message: expect.stringContaining("was made after that") };
  await expect(job.scan({ ...quiet, report: old })).rejects.toMatchObject(before2026);
  await writeFile(databaseFileOf(old), JSON.stringify({ schema: 2, updatedAt: "2025-12-31T00:00:00Z" }));
  const months = { code: "SCAN_FAILED", message: expect.stringMatching(/the report is .* old, .* is allowed/) };
  await expect(job.scan({ ...quiet, report: old })).rejects.toMatchObject(months);

  await chain.commit("Another image", {});
  const other = await chain.job();
  await other.build();
  const wrong = { code: "SCAN_FAILED", message: expect.stringContaining("which is none of the release (web)") };
  await expect(other.scan({ report })).rejects.toMatchObject(wrong);
  await expect(other.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
});

it("without looking for vulnerabilities does not pass a gate that asks for severities", async () => {
  await chain.commit("Nothing to find", {});
  const job = await chain.job();
  await job.build();
  const secrets = { "scan-scanners": "secret" };
  const blind = { code: "SCAN_FAILED", exitCode: 11, message: expect.stringContaining("looked for vulnerabilities") };
  await expect(job.scan(secrets)).rejects.toMatchObject(blind);
  await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
  const { evidence } = await job.scan({ ...secrets, "scan-fail-on": "none" });
  expect(evidence).toMatchObject({ result: "passed", scanners: ["secret"] });
});

it("asks a server that has the database", async () => {
  const job = await chain.job();
  await chain.commit("Need lodash again", LODASH_FILES);
  await job.build();
  await expect(job.scan({ scanner: "server" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const nowhere = { scanner: "server", "scan-server": `http://127.0.0.1:${await freePort()}` };
  await expect(job.scan(nowhere)).rejects.toMatchObject({ code: "SCAN_FAILED", exitCode: 11 });
  await using server = await startTrivyServer(chain.cache);
  const asked = { scanner: "server", "scan-server": server.url, "scan-cache-dir": join(job.folder, "empty") };
  await expect(job.scan(asked)).rejects.toMatchObject({ code: "VULNERABLE" });
  const { evidence } = await job.scan({ ...asked, "scan-fail-on": "none" });
  expect(evidence).toMatchObject({ result: "passed", database: { schema: 2, updatedAt: expect.any(String) } });
  expect(evidence.database).not.toHaveProperty("digest");
});

it("looks at every platform of an image on disk and in a registry, and fails for the one that is vulnerable", async () => {
  const job = await chain.job();
  const { release } = await job.build();
  const layout = await makeImageLayout(join(job.folder, "belay/images/web"), {
    "linux/amd64": [SCAN_FILES.debian, SCAN_FILES.newLodash],
    "linux/arm64": [SCAN_FILES.debian, SCAN_FILES.oldLodash],
  });
  const image = {
    ...(release.services.web as ImageIdentity),
    platforms: layout.platforms as ImageIdentity["platforms"],
  };
  const told = async (web: ImageIdentity) => {
    await writeRelease(join(job.folder, "belay/release.json"), { ...release, services: { web } });
    await expect(job.scan()).rejects.toMatchObject({ code: "VULNERABLE" });
    const scanned = JSON.parse(await job.read("release.json")).evidence.scan.services.web;
    const { rows } = JSON.parse(await job.read("scan.json")).services[0];
    return { scanned, rows };
  };
  await layout.push(chain.registry.url, "acme/web");
  const pushed = { ...image, digest: layout.digest as Digest, index: layout.digest as Digest };
  // The last one was built by somebody else: the registry tells its platforms.
  for (const web of [image, pushed, { ...pushed, platforms: {} }]) {
    const { scanned, rows } = await told(web);
    for (const [platform, identity] of Object.entries(layout.platforms)) {
      expect(scanned.platforms[platform]).toMatchObject({ ...identity, report: expect.stringMatching(/^sha256:/) });
    }
    expect(rows[0]).toMatchObject({ id: LODASH[0], effect: "fails", platforms: ["linux/arm64"] });
  }
  // What is on disk is of another build.
  const stranger = { "linux/amd64": { config: `sha256:${"0".repeat(64)}` as const } };
  await writeRelease(join(job.folder, "belay/release.json"), {
    ...release,
    services: { web: { ...image, platforms: stranger } },
  });
  await expect(job.scan()).rejects.toMatchObject({
    code: "SCAN_FAILED",
    message: expect.stringContaining("and not sha256:000"),
  });
});

it("that can't be done is neither passed nor vulnerable, and lets nothing be pushed", async () => {
  const sha = await chain.commit("Try without a database", {});
  const job = await chain.job();
  await job.build();
  const empty = {
    "scan-cache-dir": join(job.folder, "none"),
    "scan-db-repository": `${chain.registry.address}/none:2`,
  };
  await expect(job.scan(empty)).rejects.toMatchObject({ code: "SCAN_FAILED", exitCode: 11 });
  const told = JSON.parse(await job.read("report.json"));
  expect(told).toMatchObject({ reason: "scan_could_not_run", scan: { result: "could_not_scan" } });
  expect(told.stages.at(-1)).toMatchObject({ name: "scan", state: "failed" });
  await expect(job.push()).rejects.toMatchObject({
    code: "NOT_SCANNED",
    message: expect.stringContaining("could not"),
  });
  expect((await tagOf(sha)).status).toBe(404);
});

it("that is switched off is said loudly, in the log, the release and the report", async () => {
  const job = await chain.job();
  await job.build();
  const before = await chain.looks();
  await job.scan({ scan: "off" });
  expect(await chain.looks()).toBe(before);
  expect(job.log.text()).toContain("warn: The scan is switched off for web");
  await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });
  const { release } = await job.push({ scan: "off" });
  expect(scanEvidence(release)).toMatchObject({ result: "off", services: { web: { result: "off" } } });
  await job.deploy();
  expect(JSON.parse(await job.read("report.json"))).toMatchObject({ outcome: "succeeded", scan: { result: "off" } });

  const other = await chain.job();
  await other.build();
  await other.push({ scan: "off" });
  expect(JSON.parse(await other.read("scan.json"))).toMatchObject({ result: "off", services: [{ service: "web" }] });
});

it("that was pushed is taken again by its name in the engine, and another image under that name by then is told", async () => {
  const sha = await chain.commit("Build it by hand", {});
  const name = `belay-test.invalid/by-hand:${process.pid}`;
  const make = (...more: string[]) =>
    chain.engine.docker([
      ...["build", `--tag=${name}`, `--label=org.opencontainers.image.revision=${sha}`, ...more],
      join(chain.repository.folder, "app"),
    ]);
  await make();
  const job = await chain.job();
  await job.build({ "from-image": name });
  await job.scan({ "scan-fail-on": "none" });
  const { release } = await job.push();
  const again = await chain.job();
  expect((await again.build({ "from-image": name })).release).toEqual(release);
  expect(again.log.text()).not.toContain("warn:");

  await make("--label=made=again");
  const other = await chain.job();
  const taken = (await other.build({ "from-image": name })).release;
  expect(taken.services).toEqual(release.services);
  expect(taken.evidence.build?.changed).toEqual({ web: ["from"] });
  expect(other.log.text()).toContain("in this engine, and that is not what was pushed of this commit.");
  expect(other.log.text()).toContain("warn: web: ");
  await other.push();
  await chain.engine.docker(["image", "rm", name]);
  const nowhere = await chain.job();
  expect((await nowhere.build({ "from-image": name })).release.services).toEqual(release.services);
  expect(nowhere.log.text()).not.toContain("warn:");
});

it("looks by its ID at an image of an engine that Trivy can't dial: over ssh, or with the certificates of a context", async () => {
  await chain.commit("Build it far away", LODASH_FILES);
  const job = await chain.job();
  await job.build();
  await using ssh = await startSsh({ dockerHost: chain.engine.host });
  await using tls = await startTlsDoor(chain.engine.host.replace("unix://", ""));
  await using temporary = await temporaryFolder("belay-far");
  const names = { ssh: `ssh-${process.pid}`, tls: `tls-${process.pid}` };
  const certificates = ["ca", "cert", "key"].map((name) => `${name}=${tls.certificates}/${name}.pem`).join(",");
  await chain.engine.docker(["context", "create", names.ssh, `--docker=host=${ssh.host}`]);
  await chain.engine.docker(["context", "create", names.tls, `--docker=host=${tls.host},${certificates}`]);
  const byContext = (name: string) => ({ DOCKER_HOST: "", DOCKER_CONTEXT: name });
  const verified = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: tls.certificates };
  const ways: readonly Readonly<Record<string, string>>[] = [
    { DOCKER_HOST: ssh.host },
    byContext(names.ssh),
    { DOCKER_HOST: tls.host, ...verified },
    byContext(names.tls),
  ];
  for (const way of ways) {
    const [looks, logins, clients] = [await chain.looks(), await ssh.logins(), tls.clients()];
    await rm(join(chain.cache, "belay/reports"), { recursive: true, force: true });
    const path = `${ssh.env.PATH?.split(":")[0]}:${process.env.PATH}`;
    for (const [name, value] of Object.entries({ PATH: path, TMPDIR: temporary.path, ...way })) vi.stubEnv(name, value);
    try {
      await expect(job.scan(), JSON.stringify(way)).rejects.toMatchObject({
        code: "VULNERABLE",
        message: expect.stringContaining(LODASH[0]),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await chain.looks()).toBeGreaterThan(looks);
    // One login for the images, one for the environment's ledger: Trivy's own connections go over the first.
    const far = JSON.stringify(way).includes("ssh");
    expect((await ssh.logins()) - logins).toBeLessThanOrEqual(far ? 2 : 0);
    expect([(await ssh.logins()) > logins, tls.clients() > clients]).toEqual(far ? [true, false] : [false, true]);
    expect(await readdir(temporary.path)).toEqual([]);
  }
});
