import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Redactor } from "@belay/core";
import { freePort } from "../rig/free-port.ts";
import { installAct } from "./install-act.ts";
import { parseRun } from "./parse-run.ts";
import type { WorkflowRun } from "./workflow-run.ts";

export interface WorkflowOptions {
  /** Path of the workflow in the repository: `.github/workflows/deploy.yml`. */
  readonly workflow: string;
  readonly eventName: string;
  /** Payload of the event, as GitHub's webhook has it. */
  readonly event?: unknown;
  /** A git repository whose `origin` names `https://github.com/owner/name.git`; its HEAD is `GITHUB_SHA`. */
  readonly repositoryFolder: string;
  /** Environment of every step, beside `PATH` and what GitHub sets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  /** Foreign actions and where their stand-ins are: `"owner/name@ref": folder`. */
  readonly localRepositories?: Readonly<Record<string, string>>;
  /** The GitHub simulator. */
  readonly github?: { readonly url: string };
  /** Folders in front of `/usr/local/bin:/usr/bin:/bin`, such as a Docker client's. Node 24 is always there. */
  readonly path?: readonly string[];
  /** Only this job, and what it needs. */
  readonly job?: string;
  readonly actor?: string;
  /** Folder of a cache service for the steps, as GitHub's (its first version), for this run and those after it. Default: none. */
  readonly cache?: string;
  /** After this time everything that the run started is ended and the promise rejects. Default: 5 minutes. */
  readonly deadlineMs?: number;
}

/**
 * Runs a workflow of a repository with nektos/act, without containers, as a process with an environment of its own:
 * nothing of the caller's environment gets in. Runs may go on side by side. A failing workflow is a result, no error.
 * @throws Error when act did not run the workflow at all, or not in time.
 */
export async function runWorkflow(options: WorkflowOptions): Promise<WorkflowRun> {
  const act = await installAct();
  const home = await mkdtemp(join(tmpdir(), "belay-act-"));
  try {
    const redactor = new Redactor();
    for (const secret of Object.values(options.secrets ?? {})) redactor.add(secret);
    const redact = (text: string): string => redactor.redact(text);
    const ended = await runAct(act, await actArguments(options, home), home, options);
    const { rest, ...run } = parseRun(ended.stdout, redact);
    const stderr = [rest, redact(ended.stderr)].join("\n").trim();
    if (run.jobs.length === 0) throw new Error(`act ran no job of ${options.workflow}:\n${stderr}`);
    const conclusion = ended.exitCode === 0 ? run.conclusion : "failure";
    return { ...run, conclusion, stderr, durationMs: ended.durationMs };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Secrets go by a file in the run's own folder: arguments can be read by every process of the machine. */
async function actArguments(options: WorkflowOptions, home: string): Promise<string[]> {
  const files = join(home, "rig");
  await mkdir(files, { mode: 0o700 });
  const write = async (name: string, value: unknown): Promise<string> => {
    const path = join(files, name);
    await writeFile(path, JSON.stringify(value), { mode: 0o600 });
    return path;
  };
  // JSON is YAML, and act reads these files as YAML when their name says so: any value is safe in it.
  return [
    options.eventName,
    ...["--workflows", options.workflow, "--no-recurse"],
    ...["--eventpath", await write("event.json", options.event ?? {})],
    ...["--env-file", await write("env.yaml", stepEnvironment(options))],
    ...["--secret-file", await write("secrets.yaml", options.secrets ?? {})],
    ...["--var-file", await write("variables.yaml", options.variables ?? {})],
    ...["--input-file", await write("inputs.yaml", {})],
    ...["--platform", "ubuntu-latest=-self-hosted", "--platform", "ubuntu-24.04=-self-hosted"],
    ...["--actor", options.actor ?? "ada", "--json", "--no-skip-checkout"],
    ...(options.cache === undefined
      ? ["--no-cache-server"]
      : ["--cache-server-path", options.cache, "--cache-server-addr", "127.0.0.1"]),
    ...["--artifact-server-path", join(home, "artifacts"), "--artifact-server-addr", "127.0.0.1"],
    ...["--artifact-server-port", String(await freePort())],
    ...Object.entries(options.localRepositories ?? {}).flatMap(([name, at]) => ["--local-repository", `${name}=${at}`]),
    ...(options.job === undefined ? [] : ["--job", options.job]),
  ];
}

function stepEnvironment(options: WorkflowOptions): Record<string, string> {
  const { github } = options;
  return {
    GITHUB_RUN_ID: "4242",
    ...(github === undefined ? {} : { GITHUB_API_URL: github.url, GITHUB_GRAPHQL_URL: `${github.url}/graphql` }),
    /** For the stand-in of `actions/checkout`, which fetches from here instead of GitHub. */
    BELAY_RIG_REPOSITORY: options.repositoryFolder,
    ...options.env,
  };
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

async function runAct(act: string, args: readonly string[], home: string, options: WorkflowOptions): Promise<Ended> {
  const began = performance.now();
  const folders = [
    dirname(process.execPath),
    ...(options.path ?? []),
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/sbin",
  ];
  const child = spawn(act, args, {
    cwd: options.repositoryFolder,
    env: { HOME: home, PATH: folders.join(":"), LANG: "C.UTF-8" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const deadlineMs = options.deadlineMs ?? 300_000;
  let late = false;
  const timer = setTimeout(async () => {
    late = true;
    await endTree(child.pid);
  }, deadlineMs);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (late) throw new Error(`the workflow ${options.workflow} was not done after ${deadlineMs} ms and was ended`);
    return { exitCode, ...output, durationMs: performance.now() - began };
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a process and all that it started, by their ids: act puts each step into a process group of its own. */
async function endTree(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  const children = await readChildren();
  const family = [pid];
  for (const one of family) family.push(...(children.get(one) ?? []));
  for (const one of family) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Process ids by parent, from `/proc/<pid>/stat` (proc(5): the fourth field, after a name that may hold anything). */
async function readChildren(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>();
  for (const name of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}
