import * as actions from "@actions/core";
import {
  BelayError,
  createLog,
  createRunner,
  type DeploymentReport,
  describeCause,
  EXIT_CODES,
  type ExitReason,
  Inputs,
  isOutcome,
  type Log,
  OUTCOMES,
  Redactor,
  type Runner,
  systemClock,
  toBelayError,
  workflowStyle,
} from "@belay/core";

/** What every action gets, made once at its start. */
export interface ActionContext {
  readonly inputs: Inputs;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly runner: Runner;
  readonly clock: typeof systemClock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when GitHub cancels the job (SIGINT, then SIGTERM 7.5 s later). */
  readonly signal: AbortSignal;
  /** Sets an output at once, so that it is there even if a later line fails. */
  output(name: string, value: string): void;
}

/** How an action ended: an outcome of the target, or `undefined` for a stage that simply did its work. */
export type ActionEnd = DeploymentReport | undefined;

/**
 * Runs one action from start to end: inputs → `work` → outputs → the step's fate.
 * `outcome` and `exit-code` are set before anything fails, so that later steps can act on them.
 */
export async function runAction(work: (context: ActionContext) => Promise<ActionEnd>): Promise<void> {
  const context = createContext();
  try {
    const failOn = readFailOn(context.inputs);
    finish(context, await work(context), failOn);
  } catch (thrown) {
    fail(context, toBelayError(thrown, "running the action"));
  }
}

/** An action's input in the environment: upper case, spaces become underscores (toolkit, `core.getInput`). */
const readInput = (name: string): string => actions.getInput(name);

function createContext(): ActionContext {
  const redactor = new Redactor();
  const debug = actions.isDebug();
  const log = createLog(workflowStyle({ debug }), redactor, (text) => process.stdout.write(text));
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () =>
      abort.abort(new BelayError("CANCELLED", { doing: "running the step", got: `it was cancelled (${name})` })),
    );
  }
  const token = readInput("github-token");
  if (token !== "") {
    redactor.add(token);
    actions.setSecret(token);
  }
  return {
    inputs: new Inputs(readInput),
    log,
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    env: process.env,
    signal: abort.signal,
    output: (name, value) => actions.setOutput(name, redactor.redact(value)),
  };
}

/** Names of everything that can end a step other than well. */
const ENDS = [...Object.keys(OUTCOMES), ...Object.keys(EXIT_CODES)];
const WELL = ["succeeded", "unchanged"];

/** The input `fail-on`: which ends fail the step. Default: all but `succeeded` and `unchanged`. */
function readFailOn(inputs: Inputs): ReadonlySet<string> {
  const text = inputs.text("fail-on");
  if (text === undefined) return new Set(ENDS.filter((end) => !WELL.includes(end)));
  if (text === "never") return new Set();
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  const unknown = names.find((name) => !ENDS.includes(name));
  if (unknown !== undefined) {
    inputs.refuse("fail-on", `it names ${JSON.stringify(unknown)}`, `Legal values: never, ${ENDS.join(", ")}.`);
  }
  return new Set(names);
}

function finish(context: ActionContext, end: ActionEnd, failOn: ReadonlySet<string>): void {
  if (end === undefined) {
    context.output("exit-code", "0");
    return;
  }
  const facts = OUTCOMES[end.outcome];
  context.output("outcome", end.outcome);
  context.output("exit-code", String(facts.exitCode));
  const cause = end.cause === undefined ? "" : `: ${describeCause(end.cause)}`;
  const message = `${end.application} on ${end.environment}: ${facts.headline}${cause}`;
  if (failOn.has(end.outcome)) {
    context.log.error(message);
    process.exitCode = 1;
  } else if (isOutcome(end.outcome) && !WELL.includes(end.outcome)) {
    context.log.warn(message);
  } else {
    context.log.info(message);
  }
}

function fail(context: ActionContext, error: BelayError): void {
  const reason: ExitReason = error.reason;
  context.output("outcome", reason);
  context.output("exit-code", String(EXIT_CODES[reason]));
  const failOn = permittedFailures(context);
  if (failOn === undefined || failOn.has(reason)) {
    context.log.error(error.message);
    process.exitCode = 1;
  } else {
    context.log.warn(error.message);
  }
  if (error.code === "INTERNAL" && error.cause instanceof Error) context.log.info(error.cause.stack ?? "");
}

/** `fail-on` once more, when it may itself be what is wrong: then everything fails. */
function permittedFailures(context: ActionContext): ReadonlySet<string> | undefined {
  try {
    return readFailOn(context.inputs);
  } catch (error) {
    context.log.debug(String(error));
    return undefined;
  }
}
