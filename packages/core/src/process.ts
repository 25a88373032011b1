import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { Writable } from "node:stream";
import { exec } from "@actions/exec";
import { BelayError, type ErrorCode, isBelayError } from "./errors.ts";
import type { Log } from "./log.ts";
import { ProcessFamily } from "./process-family.ts";
import { programPlace } from "./program-place.ts";
import type { Redactor } from "./redaction.ts";
import { tail } from "./text.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. Secrets travel here or by `input`, never in the arguments. */
  readonly env?: Readonly<Record<string, string>>;
  /** Names of this process's own variables that the program gets. Default: all of them. */
  readonly inherit?: readonly string[];
  readonly input?: string | Uint8Array;
  /** The process gets SIGTERM after this time and SIGKILL two seconds later. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Whether all that the program has started ends with it (on Linux). Default: only the program itself. */
  readonly withChildren?: boolean;
  /** Shows the command and its output while it runs. */
  readonly log?: Log;
  /** What is being done, for the error: `building the image`. */
  readonly doing?: string;
  /** Exit codes that are answers and no failures. Default: only 0. */
  readonly allowedExitCodes?: readonly number[];
  readonly failure?: ErrorCode;
  readonly next?: string;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program. The exit code is the truth; what it wrote on stderr is not. */
export type Runner = (command: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

const KILL_AFTER_MS = 2_000;
const OUTPUT_LIMIT = 16 * 1024 * 1024;

interface Slot {
  child?: ChildProcess;
  end?: NodeJS.Signals;
}

/**
 * `@actions/exec` can't end the process that it started, and gives no handle on it. Node announces each new child on
 * this channel, inside the asynchronous context of the call that made it.
 */
const slots = new AsyncLocalStorage<Slot>();
let listening = false;

function listen(): void {
  if (listening) return;
  listening = true;
  subscribe("child_process", (message) => {
    const slot = slots.getStore();
    if (slot === undefined || slot.child !== undefined) return;
    slot.child = (message as { process: ChildProcess }).process;
    slot.child.once("spawn", () => ignoreClosedInput(slot.child));
    if (slot.end !== undefined) slot.child.once("spawn", () => slot.child?.kill(slot.end));
  });
}

/**
 * A program may end without reading its input: EPIPE. That is no failure of its own (the exit code is the truth), and
 * without a listener it would end this process.
 */
function ignoreClosedInput(child: ChildProcess | undefined): void {
  child?.stdin?.on("error", () => undefined);
}

/** A {@link Runner} over `@actions/exec` whose output and errors are redacted. */
export function createRunner(redactor: Redactor): Runner {
  listen();
  return (command, args, options = {}) => run(redactor, command, args, options);
}

async function run(
  redactor: Redactor,
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const doing = options.doing ?? `running ${command}`;
  options.log?.info(`$ ${[command, ...args].join(" ")}`);
  const slot: Slot = {};
  const stop = endOnAbort(slot, options, doing);
  const output = collect(options.log);
  const env = environment(options.env, options.inherit);
  try {
    refuseTooLong(command, args, env, doing);
    const program = quoteTool(await programPlace(command));
    const exitCode = await slots.run(slot, () =>
      exec(program, [...args], {
        silent: true,
        ignoreReturnCode: true,
        outStream: new Writable({ write: (_chunk, _encoding, done) => done() }),
        listeners: output.listeners,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env,
        input: Buffer.from(options.input ?? ""),
      }),
    );
    output.flush();
    stop.check();
    const result = { exitCode, stdout: output.stdout(), stderr: output.stderr() };
    if (exitCode === 0 || options.allowedExitCodes?.includes(exitCode)) return result;
    throw failed(redactor, command, result, options, doing);
  } catch (error) {
    stop.check();
    throw isBelayError(error) ? error : notStarted(command, doing, error);
  } finally {
    stop.clear();
  }
}

/** Linux: `MAX_ARG_STRLEN`, of an argument or `NAME=value`, with the zero at its end. */
const MOST_BYTES = 128 * 1024;

/** `@actions/exec` never comes back when the system refuses to start a program for that. @throws BelayError INVALID_INPUT */
function refuseTooLong(command: string, args: readonly string[], env: Readonly<Record<string, string>>, doing: string) {
  if (process.platform !== "linux") return;
  const isLong = (text: string): boolean => text.length >= MOST_BYTES / 4 && Buffer.byteLength(text) >= MOST_BYTES;
  const variable = Object.entries(env).find(([name, value]) => isLong(`${name}=${value}`))?.[0];
  if (variable === undefined && !args.some(isLong)) return;
  const what = variable === undefined ? "an argument" : `the environment variable ${variable}`;
  throw new BelayError("INVALID_INPUT", {
    doing,
    got: `${command} can't be started: ${what} has more than 128 KiB, which is all that Linux takes`,
    next: "Give a value of that length as a file.",
  });
}

/** `@actions/exec` splits its first argument like a shell would; quotes keep a path with spaces whole. */
function quoteTool(command: string): string {
  return `"${command.replaceAll('"', '\\"')}"`;
}

function environment(
  extra: Readonly<Record<string, string>> | undefined,
  inherit: readonly string[] | undefined,
): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (inherit?.includes(entry[0]) ?? true),
  );
  return { ...Object.fromEntries(own), ...extra };
}

function endOnAbort(slot: Slot, options: RunOptions, doing: string) {
  const timers: NodeJS.Timeout[] = [];
  let reason: "deadline" | "signal" | undefined;
  let family: ProcessFamily | undefined;
  const kill = (signal: NodeJS.Signals): void => {
    if (options.withChildren === true && slot.child?.pid !== undefined) family ??= new ProcessFamily(slot.child);
    if (family === undefined) slot.child?.kill(signal);
    else family.kill(signal);
  };
  const end = (why: "deadline" | "signal"): void => {
    reason ??= why;
    slot.end = "SIGTERM";
    kill("SIGTERM");
    timers.push(setTimeout(() => kill("SIGKILL"), KILL_AFTER_MS));
  };
  const onAbort = (): void => end("signal");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.deadlineMs !== undefined) timers.push(setTimeout(() => end("deadline"), options.deadlineMs));
  return {
    check: (): void => {
      if (reason === "signal") options.signal?.throwIfAborted();
      if (reason === "deadline") {
        throw new BelayError("TIMED_OUT", {
          doing,
          got: `it was not done after ${options.deadlineMs} ms and was ended`,
        });
      }
    },
    clear: (): void => {
      for (const timer of timers) clearTimeout(timer);
      // Some of it may have closed its output and gone on.
      family?.kill("SIGKILL");
      options.signal?.removeEventListener("abort", onAbort);
    },
  };
}

function collect(log: Log | undefined) {
  const out = lineBuffer(log);
  const err = lineBuffer(log);
  return {
    listeners: { stdout: out.push, stderr: err.push },
    flush: (): void => {
      out.flush();
      err.flush();
    },
    stdout: out.text,
    stderr: err.text,
  };
}

/** Keeps what came (up to a bound) and shows it line by line. */
function lineBuffer(log: Log | undefined) {
  const chunks: Buffer[] = [];
  let size = 0;
  let rest = "";
  return {
    push: (chunk: Buffer): void => {
      if (size < OUTPUT_LIMIT) chunks.push(chunk);
      size += chunk.length;
      if (log === undefined) return;
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) log.info(line);
    },
    flush: (): void => {
      if (rest !== "") log?.info(rest);
      rest = "";
    },
    text: (): string => Buffer.concat(chunks).toString("utf8"),
  };
}

function failed(
  redactor: Redactor,
  command: string,
  result: RunResult,
  options: RunOptions,
  doing: string,
): BelayError {
  const said = tail(result.stderr.trim() === "" ? result.stdout : result.stderr, 12)
    .join("\n")
    .trim();
  const words = said === "" ? "and said nothing" : `and said:\n${redactor.redact(said)}\n`;
  return new BelayError(options.failure ?? "PROCESS_FAILED", {
    doing,
    got: `${command} ended with exit code ${result.exitCode} ${words}`,
    ...(options.next === undefined ? {} : { next: options.next }),
  });
}

function notStarted(command: string, doing: string, error: unknown): BelayError {
  return new BelayError("TOOL_MISSING", {
    doing,
    got: `${command} could not be started (${error instanceof Error ? error.message : String(error)})`,
    next: `Install ${command}, or put it on the PATH of this machine.`,
    cause: error,
  });
}
