import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import {
  BelayError,
  createLog,
  createRunner,
  type Inputs,
  type Log,
  OUTCOMES,
  plainStyle,
  plainText,
  Redactor,
  redactDeep,
  systemClock,
  toBelayError,
} from "@belay/core";
import type { PipelineContext } from "@belay/pipeline";
import type { Parsed } from "./arguments.ts";
import type { Command } from "./commands.ts";
import { errorJson, resultJson } from "./result-json.ts";
import { shownText } from "./shown-text.ts";
import { createView, type View } from "./view.ts";

/** What a command ends with: text for people, an object for `--json`, and the exit code. */
export interface CommandResult {
  readonly text: string;
  readonly json: object;
  readonly exitCode: number;
}

type Work = (context: PipelineContext, inputs: Inputs, view: View) => Promise<CommandResult>;

/**
 * Runs a command. Progress goes to standard error, the result to standard output, so that it can be piped;
 * with `--json` the result is one JSON object as the last line, also when the command fails.
 */
export async function runCommand(command: Command, parsed: Parsed): Promise<number> {
  const terminal = process.stderr.isTTY === true && process.env.CI === undefined;
  const redactor = new Redactor();
  const colour = terminal && !process.env.NO_COLOR;
  const view = createView({
    terminal,
    colour,
    // A terminal that does not know its width says 0.
    columns: process.stderr.columns || 100,
    write: (text) => process.stderr.write(shownText(text)),
  });
  const json = parsed.has("json");
  const style = plainStyle({ colour, fold: terminal && !json, debug: process.env.BELAY_DEBUG === "1" });
  const log = createLog(style, redactor, (text) => view.above(text));
  const context = createContext(parsed.inputs, redactor, log);
  try {
    const work = WORK[command.name];
    const result = await work(context, parsed.inputs, view);
    view.close();
    process.stdout.write(
      json ? `${resultJson(redactDeep(result.json, redactor))}\n` : shownText(plainText(redactor.redact(result.text))),
    );
    return result.exitCode;
  } catch (thrown) {
    view.close();
    const error = toBelayError(thrown, `running belay ${command.name}`);
    log.error(error.message);
    if (error.code === "INTERNAL" && error.cause instanceof Error) log.debug(error.cause.stack ?? "");
    if (json) process.stdout.write(`${redactor.redact(errorJson(error))}\n`);
    return error.code === "CANCELLED" ? OUTCOMES.cancelled.exitCode : error.exitCode;
  }
}

function createContext(inputs: Inputs, redactor: Redactor, log: Log): PipelineContext {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      log.warn(`${name}: ending what was begun`);
      abort.abort(new BelayError("CANCELLED", { doing: "running the command", got: `it was cancelled (${name})` }));
    });
  }
  redactor.add(process.env.GITHUB_TOKEN ?? "");
  return {
    workingDirectory: resolve(inputs.text("working-directory") ?? "."),
    env: process.env,
    log,
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    runName: [process.env.GITHUB_RUN_ID ?? "cli", hostname(), process.pid, randomUUID().slice(0, 8)].join("."),
    signal: abort.signal,
  };
}

/** Each command in a chunk of its own: `--help` and a wrong option load none of them. */
const WORK: Readonly<Record<Command["name"], Work>> = {
  build: async (context, inputs) => (await import("./command-build.ts")).runBuild(context, inputs),
  scan: async (context, inputs) => (await import("./command-scan.ts")).runScan(context, inputs),
  push: async (context, inputs) => (await import("./command-build.ts")).runPush(context, inputs),
  sign: async (context, inputs) => (await import("./command-build.ts")).runSign(context, inputs),
  deploy: async (context, inputs, view) => (await import("./command-deploy.ts")).runDeploy(context, inputs, view),
  rollback: async (context, inputs, view) => (await import("./command-deploy.ts")).runRollback(context, inputs, view),
  run: async (context, inputs, view) => (await import("./command-deploy.ts")).runAll(context, inputs, view),
  plan: async (context, inputs) => (await import("./command-look.ts")).runPlan(context, inputs),
  status: async (context, inputs) => (await import("./command-look.ts")).runStatus(context, inputs),
  report: async (context, inputs) => (await import("./command-deploy.ts")).runReport(context, inputs),
  prune: async (context, inputs) => (await import("./command-prune.ts")).runPrune(context, inputs),
  reconcile: async (context, inputs) => (await import("./command-deploy.ts")).runReconcile(context, inputs),
};
