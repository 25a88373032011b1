/** What an earlier step left in the runner's folder, or somebody's artifact put there: whatever it is, it is read as data, or not. */
import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRelease, mapBounded } from "@belay/core";
import {
  type GitHubRig,
  parseCommandFile,
  SAMPLE_COMMIT,
  SAMPLE_REPORTS,
  startGitHub,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const DIST = resolve(import.meta.dirname, "../../dist");
const TOKEN = "ghs_left00000000000000000000000000000000000";
const SECRET = "root:x:the-words-of-another-file";
const OTHER = "b".repeat(40);
/** None of them waits for anything. */
const STEP_MS = 120_000;

let folder: TemporaryFolder;
let github: GitHubRig;

beforeAll(async () => {
  folder = await temporaryFolder("belay-left-files");
  await mkdir(join(folder.path, "work"));
  await writeFile(join(folder.path, "secret"), SECRET);
  const permissions = { "pull-requests": "write", deployments: "write", contents: "read", actions: "read" } as const;
  github = await startGitHub({ repository: "acme/shop", tokens: [{ token: TOKEN, permissions }] });
  github.addPull({ number: 7, headSha: SAMPLE_COMMIT, title: "Ours" });
  github.addPull({ number: 99, headSha: OTHER, title: "Another's" });
});

afterAll(async () => {
  await github?.close();
  await folder?.remove();
});

const RELEASE = createRelease({
  stage: "build",
  application: "shop",
  source: { repository: "https://github.com/acme/shop", revision: SAMPLE_COMMIT },
  services: {
    web: {
      repository: "127.0.0.1:1/web",
      platforms: { "linux/amd64": { config: `sha256:${"a".repeat(64)}` } },
      tags: ["sha-0123456789ab"],
    },
  },
  evidence: {},
  createdAt: "2026-01-01T00:00:00Z",
});
const REPORT = SAMPLE_REPORTS.succeeded;
/** What only ever is told: where its word is, it was read. */
const WORDS: Readonly<Partial<Record<string, string>>> = {
  "scan.json": "wordofthescan",
  "stages.json": "wordofthestages",
};
const SCAN = {
  result: "passed",
  services: [
    { service: "web", result: "passed", headline: WORDS["scan.json"], rows: [], total: 0, obstacles: [], notes: [] },
  ],
};
const STAGES = [{ name: "build", state: "passed", durationMs: 1, detail: WORDS["stages.json"] }];
const GOOD = { "release.json": RELEASE, "report.json": REPORT, "scan.json": SCAN, "stages.json": STAGES } as const;
type Name = keyof typeof GOOD;

/** A job's folder in which all is right. */
async function newJob(): Promise<string> {
  const job = await mkdtemp(join(folder.path, "job-"));
  await mkdir(join(job, "belay"));
  for (const [name, value] of Object.entries(GOOD)) await leave(job, name, value);
  return job;
}

const leave = (job: string, name: string, value: unknown): Promise<void> =>
  writeFile(join(job, "belay", name), JSON.stringify(value));

/** What may be there in a file's place. `good`: what it should be. */
const SHAPES: Readonly<Record<string, (path: string, good: object) => Promise<unknown>>> = {
  "a link to a file of this machine": (path) => symlink(join(folder.path, "secret"), path),
  "a link to a right one elsewhere": async (path, good) => {
    const elsewhere = join(await mkdtemp(join(folder.path, "elsewhere-")), "file.json");
    await writeFile(elsewhere, JSON.stringify(good));
    await symlink(elsewhere, path);
  },
  "a link to memory without end": (path) => symlink("/dev/zero", path),
  "a folder": (path) => mkdir(path),
  "a pipe": async (path) => execFileSync("mkfifo", [path]),
  "three gigabytes": async (path) => {
    await writeFile(path, "");
    await truncate(path, 3e9);
  },
  "a million levels": (path) => writeFile(path, `${"[".repeat(1e6)}${"]".repeat(1e6)}`),
  "levels in the right one": (path, good) =>
    writeFile(
      path,
      JSON.stringify(good).replace(/[}\]]$/, (end) => `${end === "}" ? ',"x":' : ","}${deep()}${end}`),
    ),
  "a prototype": (path, good) => writeFile(path, `{"__proto__":${JSON.stringify(good)}}`),
  "nothing but null": (path) => writeFile(path, "null"),
  "a list of nothing": (path) => writeFile(path, "[null, null]"),
  "half of it": (path, good) => writeFile(path, JSON.stringify(good).slice(0, -20)),
};

const deep = (): string => `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

interface Ended {
  readonly exitCode: number | null;
  readonly log: string;
  readonly outcome: string;
}

async function step(entry: string, job: string): Promise<Ended> {
  const files = Object.fromEntries(
    ["GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"].map((name) => [name, join(job, name)]),
  );
  for (const path of Object.values(files)) await writeFile(path, "");
  const event = join(job, "event.json");
  await writeFile(event, JSON.stringify({ ref: "refs/heads/main", after: SAMPLE_COMMIT, sender: { login: "ada" } }));
  const env = {
    ...{ PATH: process.env.PATH, HOME: folder.path, RUNNER_TEMP: job, DOCKER_HOST: `unix://${job}/nowhere.sock` },
    ...{ GITHUB_ACTIONS: "true", GITHUB_API_URL: github.apiUrl, GITHUB_REPOSITORY: github.repository },
    ...{ GITHUB_SHA: SAMPLE_COMMIT, GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: event, GITHUB_RUN_ID: "1" },
    ...{ GITHUB_RUN_ATTEMPT: "1", GITHUB_REF: "refs/heads/main", INPUT_COMMENT: "true" },
    ...{ "INPUT_GITHUB-TOKEN": TOKEN, INPUT_SCAN: "off" },
    ...files,
  };
  const options = { cwd: join(folder.path, "work"), env, timeout: STEP_MS };
  const child = spawn(process.execPath, [join(DIST, entry, "index.js")], {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log += chunk;
    });
  }
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.once("error", fail);
    child.once("close", done);
  });
  const told = (await readFile(files.GITHUB_STEP_SUMMARY ?? "", "utf8")) + log;
  const { outcome = "" } = parseCommandFile(await readFile(files.GITHUB_OUTPUT ?? "", "utf8"));
  return { exitCode, log: told, outcome };
}

/** Whether it was told what the file says: in what the step says, or in the report that it leaves. */
async function wasTold(job: string, name: Name, { log }: Ended): Promise<boolean> {
  const word = WORDS[name];
  return word !== undefined && `${log}${await readFile(join(job, "belay/report.json"), "utf8")}`.includes(word);
}

describe("in the place of", () => {
  /** Which step reads it, and what comes of that. */
  const READ: readonly (readonly [Name, string, RegExp])[] = [
    ["release.json", "push", /^invalid_input$/],
    ["report.json", "report", /^invalid_input$/],
    // Both are only told, so that the step is about as good without.
    ["scan.json", "report", /^succeeded$/],
    // It has no key, which it tells together with the stages before.
    ["stages.json", "sign", /^invalid_input$/],
  ];

  it.each(READ)("%s stands what is none, and %s says so, or does without", async (name, entry, ends) => {
    const wrong = await mapBounded(Object.entries(SHAPES), 2, undefined, async ([shape, make]) => {
      const job = await newJob();
      const path = join(job, "belay", name);
      await execFileSync("rm", [path]);
      await make(path, GOOD[name]);
      const ended = await step(entry, job);
      const { exitCode, log, outcome } = ended;
      const read = await wasTold(job, name, ended);
      const told = /This is a defect in Belay|the-words-of|^\s+at .+:\d+:\d+\)?$/m.exec(log);
      const bad = told !== null || read || ![0, 1].includes(exitCode ?? -1) || !ends.test(outcome);
      return bad
        ? [`${shape}: ${exitCode} ${outcome} ${told?.[0] ?? ""} ${read ? "and it was read" : ""}\n${log.slice(-1_500)}`]
        : [];
    });
    expect(wrong.flat()).toEqual([]);
  });

  it.each(READ.filter(([name]) => name in WORDS))(
    "%s stands a right one, and %s tells it",
    async (name, entry, ends) => {
      const job = await newJob();
      const ended = await step(entry, job);
      expect(ended.outcome, ended.log).toMatch(ends);
      expect(await wasTold(job, name, ended), ended.log).toBe(true);
    },
  );
});

describe("a report that somebody made up", () => {
  it("is put on the pull request that has its commit, whatever number it names", async () => {
    const job = await newJob();
    const { release } = REPORT;
    const word = "wordofthisreport";
    const saying = (pull: number): number => github.comments(pull).filter(({ body }) => body.includes(word)).length;
    await leave(job, "report.json", {
      ...REPORT,
      stages: [{ name: "deploy", state: "passed", durationMs: 1, detail: word }],
      release: { ...release, source: { ...release.source, pullRequest: 99 } },
    });
    expect([saying(7), saying(99)]).toEqual([0, 0]);
    expect(await step("report", job)).toMatchObject({ outcome: "succeeded" });
    expect([saying(7), saying(99)]).toEqual([1, 0]);
    expect(github.comments(99)).toEqual([]);
  });

  it("of a commit that no pull request has is put nowhere", async () => {
    const job = await newJob();
    const { release } = REPORT;
    const source = { ...release.source, revision: "c".repeat(40), pullRequest: 7 };
    const before = github.requests.filter(({ method }) => method !== "GET").length;
    await leave(job, "report.json", { ...REPORT, release: { ...release, source } });
    await step("report", job);
    expect(github.requests.filter(({ method }) => method !== "GET")).toHaveLength(before);
  });
});
