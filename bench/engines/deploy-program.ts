import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createRunner, Redactor, writeRelease } from "@belay/core";
import { readReport, temporaryFolder } from "@belay/testkit";
import type { ApplicationStand, Variants } from "../../test/contract/stand.ts";
import { belayYaml } from "./belay-yaml.ts";
import { requireEvidence } from "./require-evidence.ts";

const CLI = resolve(import.meta.dirname, "../../dist/cli/index.js");
const git = createRunner(new Redactor());

export interface ProgramRun {
  /** From the start of the program to its end, as its user waits for it. */
  readonly seconds: number;
  /** Of that, what its report counts: from the plan to the proof of what runs at the end. */
  readonly reported: number;
}

interface Ended {
  readonly seconds: number;
  readonly said: string;
}

/** A user's repository with belay.yaml, and the bundled `belay deploy` in it. */
export class DeployProgram implements AsyncDisposable {
  readonly #app: ApplicationStand;
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  #env: Readonly<Record<string, string>> = {};

  private constructor(app: ApplicationStand, folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.#app = app;
    this.#folder = folder;
  }

  static async open(app: ApplicationStand): Promise<DeployProgram> {
    const program = new DeployProgram(app, await temporaryFolder("belay-bench-deploy"));
    await program.#git("init", "--quiet");
    return program;
  }

  /**
   * One deployment of a new commit. @throws Error when it did not end as it must, or as {@link requireEvidence}: a figure of
   * something else would be worth nothing.
   */
  async deployTo(outcome: string, variants: Variants): Promise<ProgramRun> {
    const { path } = this.#folder;
    const release = await this.#app.release(variants, await this.#commit());
    const { text, env } = belayYaml(this.#app, release);
    await writeFile(join(path, "belay.yaml"), text);
    await writeRelease(join(path, "belay/release.json"), release);
    this.#env = env;
    return this.#ended(outcome, await this.#run("deploy"), variants);
  }

  /** To what ran before the last deployment. */
  async rollBack(): Promise<ProgramRun> {
    return this.#ended("succeeded", await this.#run("rollback", "--to", "previous"));
  }

  async #ended(outcome: string, { seconds, said }: Ended, variants: Variants = {}): Promise<ProgramRun> {
    const report = await readReport(this.#folder.path);
    if (report === undefined || !("outcome" in report) || report.outcome !== outcome)
      throw new Error(`belay did not end as ${outcome}: ${said}`);
    requireEvidence(report, variants);
    return { seconds, reported: report.durationMs / 1_000 };
  }

  async #commit(): Promise<string> {
    const who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
    await this.#git(...who, "commit", "--quiet", "--allow-empty", "--message", "A release");
    return (await this.#git("rev-parse", "HEAD")).trim();
  }

  async #git(...args: string[]): Promise<string> {
    return (await git("git", args, { cwd: this.#folder.path })).stdout;
  }

  /** What it says goes into pipes that are read, as on a runner. */
  #run(...args: string[]): Promise<Ended> {
    const { path } = this.#folder;
    const { PATH, HOME } = process.env;
    const began = performance.now();
    const child = spawn(process.execPath, [CLI, ...args, "--json"], {
      cwd: path,
      env: { PATH, HOME, ...this.#env, RUNNER_TEMP: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [said, seconds] = ["", Number.NaN];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        said += chunk;
      });
    }
    return new Promise((done, failed) => {
      child.once("error", failed);
      child.once("exit", () => {
        seconds = (performance.now() - began) / 1_000;
      });
      child.once("close", () => done({ seconds, said }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder.remove();
  }
}
