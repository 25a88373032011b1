import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import * as actions from "@actions/core";
import {
  BelayError,
  type Clock,
  createLog,
  createRunner,
  type DeploymentReport,
  describeCause,
  EXIT_CODES,
  type FailureReport,
  headlineOf,
  type InputSource,
  Inputs,
  type Log,
  OUTCOMES,
  Redactor,
  type Runner,
  systemClock,
  toBelayError,
  workflowStyle,
} from "@belay/core";
import { readFailOn } from "./fail-on.ts";

/** What every action gets, made once at its start. It is also a `PipelineContext`. */
export interface ActionContext {
  readonly inputs: Inputs;
  readonly workingDirectory: string;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly runner: Runner;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Unlike any other run's; the same in the main and the `post:` step. */
  readonly runName: string;
  /** Aborts when GitHub cancels the job (SIGINT, then SIGTERM 7.5 s later). */
  readonly signal: AbortSignal;
  /** Sets an output at once, so that it is there even if a later line fails. */
  output(name: string, value: string): void;
}

/** A deployment would be refused, for these reasons. */
export interface Refusal {
  readonly refused: string;
}

/** How an action ended: a report of what happened, or `undefined` for a stage that simply did its work. */
export type ActionEnd = DeploymentReport | FailureReport | Refusal | undefined;

/**
 * Runs one action from start to end: inputs → `work` → outputs → the step's fate.
 * `outcome` and `exit-code` are set before anything fails, so that later steps can act on them.
 * `source`: where inputs come from in a step of a composite action, which the runner gives none.
 */
export async function runAction(
  work: (context: ActionContext) => Promise<ActionEnd>,
  source: InputSource = (name) => actions.getInput(name),
): Promise<void> {
  const context = createContext(source);
  let failOn: ReadonlySet<string> | undefined;
  try {
    failOn = readFailOn(context.inputs);
    finish(context, await work(context), failOn);
  } catch (thrown) {
    fail(context, toBelayError(thrown, "running the action"), failOn);
  }
}

/**
 * Runs an action's `post:` step: `work` gets the name of the main step's run, when that one left something unfinished.
 * The step fails when the work does, since then a person has to look.
 */
export async function runPost(work: (context: ActionContext, endedRun: string) => Promise<void>): Promise<void> {
  const endedRun = actions.getState(RUN_STATE);
  if (endedRun === "" || actions.getState(DONE_STATE) === "true") return;
  const context = createContext((name) => actions.getInput(name));
  try {
    await work(context, endedRun);
  } catch (thrown) {
    context.log.error(toBelayError(thrown, "putting right what the step left").message);
    process.exitCode = 1;
  }
}

const RUN_STATE = "run";
const DONE_STATE = "done";

/** Tells the `post:` step that a deployment of this run may be open from now on. */
export function armPost(context: ActionContext): void {
  actions.saveState(RUN_STATE, context.runName);
}

/** Tells the `post:` step that nothing was left to do. */
export function disarmPost(): void {
  actions.saveState(DONE_STATE, "true");
}

function createContext(source: InputSource): ActionContext {
  const redactor = new Redactor();
  const log = createLog(workflowStyle({ debug: actions.isDebug() }), redactor, (text) => process.stdout.write(text));
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () =>
      abort.abort(new BelayError("CANCELLED", { doing: "running the step", got: `it was cancelled (${name})` })),
    );
  }
  const token = actions.getInput("github-token");
  if (token !== "") {
    redactor.add(token);
    actions.setSecret(token);
  }
  const inputs = new Inputs(source);
  const run = [process.env.GITHUB_RUN_ID ?? "local", process.env.GITHUB_JOB ?? "job", randomUUID().slice(0, 8)];
  return {
    inputs,
    workingDirectory: resolve(inputs.text("working-directory") ?? "."),
    log,
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    env: process.env,
    runName: run.join("."),
    signal: abort.signal,
    output: (name, value) => setOutput(name, redactor.redact(value)),
  };
}

/** `@actions/core` writes `::set-output` to the log where the runner gives no file: that is not wanted in a plain run. */
function setOutput(name: string, value: string): void {
  if ((process.env.GITHUB_OUTPUT ?? "") !== "") actions.setOutput(name, value);
}

const WELL: ReadonlySet<string> = new Set(["succeeded", "unchanged"]);

function finish(context: ActionContext, end: ActionEnd, failOn: ReadonlySet<string>): void {
  const { name, exitCode, message } = describeEnd(end);
  context.output("outcome", name);
  context.output("exit-code", String(exitCode));
  if (message === undefined) return;
  if (failOn.has(name)) {
    context.log.error(message);
    process.exitCode = 1;
  } else if (WELL.has(name)) {
    context.log.info(message);
  } else {
    context.log.warn(message);
  }
}

function describeEnd(end: ActionEnd): { name: string; exitCode: number; message?: string } {
  if (end === undefined) return { name: "succeeded", exitCode: 0 };
  if ("refused" in end) return { name: "refused", exitCode: OUTCOMES.refused.exitCode, message: end.refused };
  if (!("outcome" in end)) return { name: end.reason, exitCode: EXIT_CODES[end.reason], message: end.message };
  const { exitCode } = OUTCOMES[end.outcome];
  const cause = end.cause === undefined ? "" : `: ${describeCause(end.cause)}`;
  return {
    name: end.outcome,
    exitCode,
    message: `${end.application} on ${end.environment}: ${headlineOf(end)}${cause}`,
  };
}

/** An unreadable `fail-on` is itself what went wrong: then the step fails. */
function fail(context: ActionContext, error: BelayError, failOn: ReadonlySet<string> | undefined): void {
  context.output("outcome", error.reason);
  context.output("exit-code", String(EXIT_CODES[error.reason]));
  if (failOn?.has(error.reason) === false) {
    context.log.warn(error.message);
  } else {
    context.log.error(error.message);
    process.exitCode = 1;
  }
  if (error.code === "INTERNAL" && error.cause instanceof Error) context.log.info(error.cause.stack ?? "");
}
