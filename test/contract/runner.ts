import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { RunnerJob, RunnerLine } from "./runner-process.ts";

/** Types are stripped once and not by each runner, which is two thirds of what it would cost to start one. */
const ENV = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "belay-test-compile-cache") };

/** How a runner's process ended, and what it said before. */
export interface RunnerEnd {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly steps: readonly { readonly step: string; readonly stage: string | undefined }[];
  readonly outcome: string | undefined;
  readonly cause: string | undefined;
  /** Its log. */
  readonly log: string;
}

/** A runner in a process of its own (`runner-process.ts`). */
export class Runner {
  readonly #child: ChildProcess;
  readonly #lines: RunnerLine[] = [];
  readonly #waiting = new Set<() => void>();
  #log = "";
  readonly ended: Promise<RunnerEnd>;
  readonly #onExit = (): void => void this.#child.kill("SIGKILL");

  constructor(job: RunnerJob) {
    const script = fileURLToPath(new URL("runner-process.ts", import.meta.url));
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script], {
      stdio: "pipe",
      env: ENV,
    });
    process.once("exit", this.#onExit);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
      this.#wake();
    });
    const input = this.#child.stdout;
    if (input === null) throw new Error("the runner has no output");
    createInterface({ input }).on("line", (line) => this.#hear(JSON.parse(line) as RunnerLine));
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        process.removeListener("exit", this.#onExit);
        this.#wake();
        resolve(this.#end(code, signal));
      });
    });
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdin?.write(`${JSON.stringify(job)}\n`);
  }

  /** Resolves when it has come to the step it is held at. */
  held(): Promise<void> {
    return this.#heard("the point to hold at", (line) => line.kind === "held");
  }

  /** Resolves when it has begun this step. */
  reached(step: string): Promise<void> {
    return this.#heard(step, (line) => line.kind === "step" && line.step === step);
  }

  /** Resolves when its log has this text. */
  async logged(text: string): Promise<void> {
    await this.#until(`it said ${JSON.stringify(text)}`, () => this.#log.includes(text));
  }

  /** Lets it go on. */
  release(): void {
    this.#child.stdin?.write("go\n");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #heard(what: string, wanted: (line: RunnerLine) => boolean): Promise<void> {
    return this.#until(what, () => this.#lines.some(wanted));
  }

  async #until(what: string, is: () => boolean): Promise<void> {
    while (!is()) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the runner ended before ${what}: ${this.#log}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #hear(line: RunnerLine): void {
    this.#lines.push(line);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #end(code: number | null, signal: NodeJS.Signals | null): RunnerEnd {
    const steps = this.#lines.filter((line) => line.kind === "step");
    const result = this.#lines.find((line) => line.kind === "result");
    return { code, signal, steps, outcome: result?.outcome, cause: result?.cause, log: this.#log };
  }
}
