/** What stands in a Dockerfile and in no image: earlier stages, the true lines, and here-documents. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BASE_IMAGES, SCAN_FILES, startEngine } from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Job, openScanChain, type ScanChain } from "./scan-chain.ts";
import { STAND_MS } from "./scan-stand.ts";

const EVERYTHING = { "scan-scanners": "vuln,secret,misconfig" };
const [[, line]] = Object.entries(SCAN_FILES.secret) as [[string, string]];
const TOKEN = line.split("=")[1]?.trim() ?? "";
const FROM = `FROM ${BASE_IMAGES.busybox}`;
/** The first stage has a token and a user, the last has neither. */
const TWO_STAGES = [
  "# Sleeps.",
  `${FROM} AS build`,
  `ENV GITHUB_TOKEN=${TOKEN}`,
  "USER 1000",
  "COPY files/ /out/",
  "",
  FROM,
  "COPY --from=build /out/ /",
  'CMD ["sleep", "3600"]',
  "",
].join("\n");
const CLEAN = `${FROM}\nCOPY files/ /\nUSER 1000\nCMD ["sleep", "3600"]\n`;

let chain: ScanChain;

beforeAll(async () => {
  chain = await openScanChain(() => startEngine({ edition: "current", buildx: true }));
}, STAND_MS);
afterAll(() => chain?.[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

async function built(title: string, files: Readonly<Record<string, string | undefined>>): Promise<Job> {
  await chain.commit(title, files);
  const job = await chain.job();
  await job.build();
  return job;
}

interface Row {
  readonly id: string;
  readonly effect: string;
  readonly subject: string;
  readonly because: string;
  readonly change?: string;
}

async function rowsOf(job: Job): Promise<readonly Row[]> {
  return JSON.parse(await job.read("scan.json")).services[0].rows;
}

const seen = (rows: readonly Row[], effect: string): string[] =>
  rows.filter((row) => row.effect === effect).map(({ id, subject }) => `${id} ${subject}`);

describe("a Dockerfile of two stages", () => {
  it("fails for a token in the first, at its line, and for the root of the last, which only the image's history tells", async () => {
    const job = await built("Build with a token", { "app/Dockerfile": TWO_STAGES });
    const thrown: unknown = await job.scan({ ...EVERYTHING, "scan-formats": "sarif" }).catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      ...{ code: "VULNERABLE", exitCode: 10 },
      message: expect.stringContaining("CRITICAL github-pat in app/Dockerfile:3"),
    });
    const rows = await rowsOf(job);
    expect(seen(rows, "fails").toSorted()).toEqual(["DS-0002 image config", "github-pat app/Dockerfile:3"]);
    const reported = rows.filter(({ id }) => id === "DS-0026").map(({ subject }) => subject);
    expect(reported).toEqual(["app/Dockerfile"]);
    expect(job.annotated).toContainEqual({ title: "CRITICAL github-pat in web", file: "app/Dockerfile", line: 3 });
    await expect(job.push()).rejects.toMatchObject({ code: "NOT_SCANNED" });

    const sarif = JSON.parse(await job.read("scan/sarif/web-linux-amd64.sarif"));
    const at = (rule: string): object[] =>
      sarif.runs[0].results
        .filter((one: { ruleId: string }) => one.ruleId === rule)
        .map((one: { locations: { physicalLocation: object }[] }) => one.locations[0]?.physicalLocation);
    expect(at("github-pat")).toEqual([
      expect.objectContaining({
        artifactLocation: { uri: "app/Dockerfile", uriBaseId: "ROOTPATH" },
        region: expect.objectContaining({ startLine: 3 }),
      }),
    ]);
    const said = [JSON.stringify(thrown), String(thrown), ...(await job.texts())];
    expect(said.filter((text) => text.includes(TOKEN))).toEqual([]);
  });

  it("passes with rules that name the file, is looked at once, and the release names the whole report", async () => {
    const rules = [
      "secrets:\n  - { id: github-pat, paths: [app/Dockerfile], statement: revoked }",
      "misconfigurations:\n  - { id: DS-0002, statement: sleep needs no rights }\n",
    ];
    const job = await built("Ignore it", { "app/Dockerfile": TWO_STAGES, ".trivyignore.yaml": rules.join("\n") });
    const before = [await chain.looks("fs"), await chain.looks()];
    const { evidence, files } = await job.scan(EVERYTHING);
    expect(evidence.services.web).toMatchObject({ result: "passed", counts: { fails: 0, ignored: 2 } });
    expect(seen(await rowsOf(job), "ignored")).toContain("github-pat app/Dockerfile:3");
    const report = await readFile(join(String(files.json), "web-linux-amd64.json"), "utf8");
    expect(
      JSON.parse(report).Results.filter((one: { Target: string }) => one.Target === "app/Dockerfile"),
    ).toHaveLength(2);
    // The test before looked at the same text.
    expect(await chain.looks("fs")).toBe(before[0]);
    await job.scan({ "scan-scanners": "secret", "scan-fail-on": "none" });
    await job.scan({ "scan-scanners": "secret", "scan-fail-on": "none" });
    expect(await chain.looks("fs")).toBe((before[0] ?? 0) + 1);
    await job.scan({ "scan-scanners": "vuln,license" });
    expect(await chain.looks("fs")).toBe((before[0] ?? 0) + 1);
    await job.scan(EVERYTHING);
    await job.push();
    await chain.commit("Ignore nothing", { ".trivyignore.yaml": undefined });
  });
});

describe("a Dockerfile that gives itself to root", () => {
  it("fails at the line that does so, once, whatever its comments ask Trivy to leave out", async () => {
    const text = CLEAN.replace("USER 1000", "# trivy:ignore:DS-0002\nUSER root");
    const job = await built("Be root", { "app/Dockerfile": text });
    await expect(job.scan(EVERYTHING)).rejects.toMatchObject({
      ...{ code: "VULNERABLE", exitCode: 10 },
      message: expect.stringContaining("HIGH DS-0002 in app/Dockerfile:4"),
    });
    const rows = await rowsOf(job);
    expect(rows.filter(({ id }) => id === "DS-0002")).toHaveLength(1);
    expect(job.annotated).toContainEqual({ title: "HIGH DS-0002 in web", file: "app/Dockerfile", line: 4 });
    // It is not asked for by default.
    expect((await job.scan()).evidence.result).toBe("passed");
  });
});

describe("a Dockerfile with a here-document", () => {
  const script = "RUN <<EOF\nmkdir /made\necho made > /made/file\nEOF\n";

  it("is looked at itself, since nobody can parse its image's history, which is told", async () => {
    const job = await built("Write a script", { "app/Dockerfile": CLEAN.replace("COPY", () => `${script}COPY`) });
    const { evidence, summary } = await job.scan(EVERYTHING);
    expect(evidence).toMatchObject({ result: "passed", scanners: expect.arrayContaining(["misconfig"]) });
    expect(evidence.services.web?.partial).toBe(undefined);
    expect(summary.services[0]?.notes.join()).toContain("its Dockerfile was looked at, and not what its history tells");
    const bad = await built("As root", {
      "app/Dockerfile": `${FROM}\n${script}COPY files/ /\nCMD ["sleep", "3600"]\n`,
    });
    await expect(bad.scan(EVERYTHING)).rejects.toMatchObject({
      code: "VULNERABLE",
      message: expect.stringContaining("HIGH DS-0002 in app/Dockerfile"),
    });
  });
});

describe("a Dockerfile whose findings run already", () => {
  it("fails only for what a commit adds to it, compared with itself at the commit that runs", async () => {
    const root = CLEAN.replace("USER 1000\n", "");
    const first = await built("Run as root", { "app/Dockerfile": root });
    await first.scan({ ...EVERYTHING, "scan-fail-on": "none" });
    await first.push();
    await first.deploy();

    const asked = { ...EVERYTHING, "scan-only-new": "true" };
    const same = await built("Change nothing of it", { "app/Dockerfile": `# Sleeps.\n${root}` });
    expect((await same.scan(asked)).evidence.services.web).toMatchObject({ result: "passed", counts: { known: 1 } });
    expect(seen(await rowsOf(same), "known")).toEqual(["DS-0002 app/Dockerfile"]);

    const worse = await built("Add a token", { "app/Dockerfile": root.replace("COPY", () => `ARG A=${TOKEN}\nCOPY`) });
    await expect(worse.scan(asked)).rejects.toMatchObject({
      code: "VULNERABLE",
      message: expect.stringContaining("CRITICAL github-pat in app/Dockerfile:2"),
    });
    const rows = await rowsOf(worse);
    expect(rows.find(({ subject }) => subject === "app/Dockerfile:2")).toMatchObject({ change: "new" });
    expect(seen(rows, "known")).toEqual(["DS-0002 app/Dockerfile"]);
  });
});

describe("a Dockerfile that nobody can compare with the one of what runs", () => {
  const asked = { ...EVERYTHING, "scan-only-new": "true" };
  const quiet = { ...EVERYTHING, "scan-fail-on": "none" };
  // Not yet scanned by any other test, whose report would be taken.
  const own = TWO_STAGES.replace("# Sleeps.", "# Sleeps alone.");
  let sha: string;
  beforeAll(async () => {
    const job = await built("Run with a token", { "app/Dockerfile": own });
    await job.scan({ "scan-scanners": "vuln" });
    await job.push();
    await job.deploy();
    sha = await chain.repository.git("rev-parse", "HEAD");
  });

  /** The notes of a scan with `only-new`, and its only ones, when it has to fail for the token, which runs already. */
  async function notesOf(job: Job): Promise<readonly string[]> {
    await expect(job.scan(asked)).rejects.toMatchObject({
      code: "VULNERABLE",
      message: expect.stringContaining("CRITICAL github-pat in app/Dockerfile:2"),
    });
    const [web] = JSON.parse(await job.read("scan.json")).services;
    // What the comment is made of says the same, and so does the log.
    expect(JSON.parse(await job.read("report.json")).scan.services[0].notes).toEqual(web.notes);
    for (const note of web.notes) expect(job.log.text()).toContain(`web: ${note}`);
    expect(web.rows.find(({ id }: Row) => id === "DS-0002")).toMatchObject({ effect: "known" });
    return web.notes;
  }

  it("has what only it tells count as new, and that is said with its reason where the findings are", async () => {
    const job = await built("Say less", { "app/Dockerfile": own.replace("# Sleeps alone.\n", "") });
    const commit = sha.slice(0, 12);
    vi.stubEnv("PATH", `${await trivyThatFails("Sleeps", job.folder)}:${process.env.PATH}`);
    const broken = `What only app/Dockerfile tells counts as new: it could not be scanned as of commit ${commit}`;
    expect(await notesOf(job)).toEqual([expect.stringMatching(new RegExp(`^${broken}.*, which runs: .*out of order`))]);
    vi.unstubAllEnvs();

    const { evidence, summary } = await job.scan(asked);
    expect(evidence.services.web).toMatchObject({ result: "passed", counts: { known: 2 } });
    expect(summary.services[0]?.notes).toEqual([]);

    await makeShallow();
    const missing = `What only app/Dockerfile tells counts as new: git does not have it here as of commit ${commit}`;
    expect(await notesOf(job)).toEqual([expect.stringMatching(new RegExp(`^${missing}.*fetch-depth: 0`))]);
    // Without only-new it is said because something is called new.
    expect((await job.scan(quiet)).summary.services[0]?.notes).toEqual([expect.stringContaining(missing)]);
  });

  /** Folder of a Trivy that does not take Dockerfiles with this word. */
  async function trivyThatFails(word: string, folder: string): Promise<string> {
    const path = join(folder, "trivy");
    const lines = [
      "#!/bin/sh",
      `if [ "$1" = fs ] && grep -q ${word} dockerfiles/*/Dockerfile; then`,
      '  echo "FATAL out of order" >&2; exit 1',
      "fi",
      `PATH='${process.env.PATH}' exec trivy "$@"`,
    ];
    await writeFile(path, lines.join("\n"));
    await chmod(path, 0o755);
    return folder;
  }

  /** As `actions/checkout` leaves it: with one commit. */
  async function makeShallow(): Promise<void> {
    const { git, folder } = chain.repository;
    await writeFile(join(folder, ".git/shallow"), `${await git("rev-parse", "HEAD")}\n`);
    await git("reflog", "expire", "--expire=now", "--all");
    await git("gc", "--quiet", "--prune=now");
  }
});
