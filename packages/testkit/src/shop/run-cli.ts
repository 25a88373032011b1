import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DeploymentReport, FailureReport } from "@belay/core";
import { hasCode } from "../rig/has-code.ts";
import { SHOP_PULL_REQUEST, SHOP_TOKEN, type ShopStage } from "./shop-stage.ts";

const CLI = resolve(import.meta.dirname, "../../../../dist/cli/index.js");

export interface CliOptions {
  /** After the command. The environment, the project and the variables are given anyway. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether `run` and `push` want a scan, and find Trivy by `env`. Default: the scan is switched off. */
  readonly scan?: boolean;
  /** Shows its progress on this terminal instead of keeping it. */
  readonly show?: boolean;
  /** Folder of the run, to share a release between several; default a new one. */
  readonly folder?: string;
  /** Told of the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Told of all that came on standard error so far. */
  readonly onProgress?: (text: string, child: ChildProcess) => void;
}

export interface CliRun {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The object of `--json`, when there was one. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  readonly report: DeploymentReport | FailureReport | undefined;
  readonly folder: string;
}

let lastRun = 4_200;

/** Runs the bundled command line on the shop as a job of GitHub Actions would, with the simulator in GitHub's place. */
export async function runCli(stage: ShopStage, command: string, options: CliOptions = {}): Promise<CliRun> {
  const folder = options.folder ?? (await mkdtemp(join(stage.temporary.path, "run-")));
  await mkdir(folder, { recursive: true });
  const env = await runnerEnvironment(stage, folder);
  const args = [CLI, command, ...shopOptions(stage, command, options.scan ?? false), ...(options.args ?? [])];
  const child = spawn(process.execPath, args, {
    cwd: stage.repository.folder,
    env: { ...env, ...options.env },
    stdio: options.show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
  });
  options.onStart?.(child);
  const ended = await collect(child, options);
  return { ...ended, json: lastObject(ended.stdout), report: await readReport(folder), folder };
}

function shopOptions(stage: ShopStage, command: string, scan: boolean): string[] {
  const off = scan ? [] : ["--scan", "off"];
  if (command === "push") return off;
  if (command === "sign") return [];
  const variables = Object.entries(stage.variables).flatMap(([name, value]) => ["--variables", `${name}=${value}`]);
  // It asks every environment, as belay.yaml has them.
  if (command === "prune") return variables;
  const project = command === "build" ? [] : [stage.example === "swarm" ? "--stack" : "--project", stage.project];
  return ["--environment", "staging", ...project, ...variables, ...(command === "run" ? off : [])];
}

/** What a runner of GitHub Actions sets. `id`: of a run that has begun, default that of a new one. */
export async function runnerEnvironment(
  stage: ShopStage,
  folder: string,
  id: number = ++lastRun,
): Promise<NodeJS.ProcessEnv> {
  const sha = await stage.repository.head();
  // As on GitHub, where the runs before this one have ended, however they did.
  stage.github.addRun({ id: id - 1, headSha: sha, status: "completed", conclusion: "failure" });
  stage.github.addRun({ id, headSha: sha, status: "in_progress" });
  const event = join(folder, "event.json");
  await writeFile(event, JSON.stringify({ ref: "refs/heads/main", after: sha, sender: { login: "ada" } }));
  const { PATH, HOME, TERM } = process.env;
  return {
    PATH,
    HOME,
    TERM,
    ...stage.engine.env,
    ...stage.secrets,
    GITHUB_ACTIONS: "true",
    GITHUB_API_URL: stage.github.apiUrl,
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: stage.github.repository,
    GITHUB_EVENT_NAME: "push",
    GITHUB_EVENT_PATH: event,
    GITHUB_SHA: sha,
    GITHUB_REF: "refs/heads/main",
    GITHUB_RUN_ID: String(id),
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "staging",
    GITHUB_TOKEN: SHOP_TOKEN,
    GITHUB_STEP_SUMMARY: join(folder, "summary.md"),
    RUNNER_TEMP: folder,
  };
}

function collect(
  child: ChildProcess,
  options: CliOptions,
): Promise<Pick<CliRun, "exitCode" | "signal" | "stdout" | "stderr">> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
    options.onProgress?.(stderr, child);
  });
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (exitCode, signal) => done({ exitCode, signal, stdout, stderr }));
  });
}

function lastObject(stdout: string): CliRun["json"] {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? (JSON.parse(last) as CliRun["json"]) : undefined;
}

export async function readReport(folder: string): Promise<CliRun["report"]> {
  try {
    return JSON.parse(await readFile(join(folder, "belay/report.json"), "utf8")) as CliRun["report"];
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Makes the commit that is checked out known to GitHub as the head of the shop's pull request. */
export async function announceCommit(stage: ShopStage, title: string): Promise<string> {
  const sha = await stage.repository.head();
  stage.github.addCommit({
    sha,
    message: title,
    author: { name: "Ada Lovelace", email: "ada@example.org", login: "ada" },
  });
  stage.github.addPull({ number: SHOP_PULL_REQUEST, headSha: sha, title, author: "ada", state: "open" });
  return sha;
}
