import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandFile } from "@belay/testkit";
import { ROOT } from "../structure/source-files.ts";

export interface BundleResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the action wrote into `GITHUB_OUTPUT`. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly state: Readonly<Record<string, string>>;
}

export interface BundleOptions {
  /** The action's inputs, by their names in action.yml. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Folder of the bundles. Default: `dist/`. */
  readonly dist?: string;
  /** Sent once, as soon as its standard output is so. */
  readonly kill?: { readonly signal: NodeJS.Signals; readonly when: (stdout: string) => boolean };
  /** Told how to send it a signal, as soon as it runs. */
  readonly onStart?: (send: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a file of `dist/` as a runner does: a process of its own, `INPUT_*`, and the `GITHUB_*` files. */
export async function runBundle(name: string, options: BundleOptions = {}): Promise<BundleResult> {
  const folder = await mkdtemp(join(tmpdir(), "belay-bundle-"));
  try {
    const files = {
      GITHUB_OUTPUT: join(folder, "output"),
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
      GITHUB_STATE: join(folder, "state"),
    };
    await Promise.all(Object.values(files).map((path) => writeFile(path, "")));
    const inputs = Object.entries(options.inputs ?? {}).map(([key, value]) => [`INPUT_${key.toUpperCase()}`, value]);
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      RUNNER_TEMP: folder,
      ...files,
      ...Object.fromEntries(inputs),
      ...options.env,
    };
    const ended = await run(
      [join(options.dist ?? join(ROOT, "dist"), `${name}.js`), ...(options.args ?? [])],
      { env, cwd: options.cwd ?? folder },
      options,
    );
    const [output, summary, state] = await Promise.all(Object.values(files).map((path) => readFile(path, "utf8")));
    return {
      ...ended,
      outputs: parseCommandFile(output ?? ""),
      summary: summary ?? "",
      state: parseCommandFile(state ?? ""),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(args: readonly string[], place: { env: NodeJS.ProcessEnv; cwd: string }, options: BundleOptions) {
  return new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, args, { ...place, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    let killed = false;
    options.onStart?.((signal) => child.kill(signal));
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      if (options.kill?.when(stdout) === true && !killed) killed = child.kill(options.kill.signal);
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ exitCode: code ?? -1, stdout, stderr }));
  });
}
