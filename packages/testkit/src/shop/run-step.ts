import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseCommandFile } from "./command-file.ts";
import { runnerEnvironment } from "./run-cli.ts";
import { SHOP_TOKEN, type ShopStage } from "./shop-stage.ts";

const DIST = resolve(import.meta.dirname, "../../../../dist");

export interface ShopStepOptions {
  /** Beside the environment, the project, the variables and the token, which are given anyway. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** What the main step saved, for a `post:` step. */
  readonly state?: Readonly<Record<string, string>>;
  /** Folder of the job, which its steps share. */
  readonly folder?: string;
  /** Run that the job belongs to: as the step before said. Default a new one. */
  readonly run?: number;
  /** Told how to send it a signal, as soon as it runs. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Told of all that the step printed so far. */
  readonly onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface ShopStep {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly run: number;
}

/** Runs a file of `dist/` (`deploy/index`, `deploy/post`) on the shop as the runner of GitHub Actions runs a step. */
export async function runStep(stage: ShopStage, entry: string, options: ShopStepOptions = {}): Promise<ShopStep> {
  const folder = options.folder ?? (await mkdtemp(join(stage.temporary.path, "job-")));
  const files = { GITHUB_OUTPUT: join(folder, "output"), GITHUB_STATE: join(folder, "state") };
  await Promise.all(Object.values(files).map((path) => writeFile(path, "")));
  const variables = Object.entries(stage.variables).map(([name, value]) => `${name}=${value}`);
  const common = {
    environment: "staging",
    [stage.example === "swarm" ? "stack" : "project"]: stage.project,
    variables: variables.join("\n"),
    "github-token": SHOP_TOKEN,
  };
  const inputs = prefixed("INPUT_", { ...common, ...options.inputs }, (name) => name.toUpperCase());
  const state = prefixed("STATE_", options.state ?? {}, (name) => name);
  const runner = await runnerEnvironment(stage, folder, options.run);
  const env = { ...runner, ...files, ...inputs, ...state };
  const child = spawn(process.execPath, [join(DIST, `${entry}.js`)], {
    cwd: stage.repository.folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  options.onStart?.((signal) => child.kill(signal));
  let log = "";
  const hear = (chunk: Buffer): void => {
    log += chunk;
    options.onOutput?.(log, (signal) => child.kill(signal));
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, failed) => {
    child.once("error", failed);
    child.once("close", (...end) => done(end));
  });
  const [output = "", saved = ""] = await Promise.all(Object.values(files).map((path) => readFile(path, "utf8")));
  const said = { log, outputs: parseCommandFile(output), state: parseCommandFile(saved) };
  return { exitCode, signal, ...said, folder, run: Number(runner.GITHUB_RUN_ID) };
}

function prefixed(
  prefix: string,
  values: Readonly<Record<string, string>>,
  name: (key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${name(key)}`, value]));
}
