import { type Clock, messageOf, oneLine, type Probe } from "@belay/core";
import { askHttp } from "./ask-http.ts";
import { askTcp } from "./ask-tcp.ts";
import { TIMED_OUT, withTimeout } from "./with-timeout.ts";

export type Check = Probe["check"];

export interface ProbeResult {
  readonly ok: boolean;
  /** What came back, in one line of at most 300 characters. Outside text. */
  readonly detail: string;
}

/** Runs a command inside an instance. */
export type Exec = (
  command: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<{ readonly exitCode: number; readonly output: string }>;

export interface ProbeContext {
  /** Asked instead of the host that the check names: the instance's own address (IPv4, IPv6 or a name). */
  readonly address?: string;
  /** Needed for checks of kind `command`. */
  readonly exec?: Exec;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Asks once, on a new connection. A failed check is an answer, not an error: only an aborted signal makes this reject,
 * with the signal's reason.
 */
export async function probe(check: Check, context: ProbeContext): Promise<ProbeResult> {
  const { clock, timeoutMs } = context;
  const began = clock.now();
  try {
    const answer = await withTimeout(context, (signal) => ask(check, { ...context, signal }));
    if (answer === TIMED_OUT) return { ok: false, detail: `no answer within ${timeoutMs} ms` };
    const took = answer.ok ? ` in ${Math.round(clock.now() - began)} ms` : "";
    return { ok: answer.ok, detail: oneLine(`${answer.detail}${took}`, 300) };
  } catch (error) {
    context.signal.throwIfAborted();
    return { ok: false, detail: oneLine(messageOf(error), 300) };
  }
}

function ask(check: Check, context: ProbeContext): Promise<ProbeResult> {
  if (check.kind === "http") return askHttp(check, context);
  if (check.kind === "tcp") return askTcp(check, context);
  return askCommand(check.command, context);
}

async function askCommand(command: readonly string[], context: ProbeContext): Promise<ProbeResult> {
  const { exec, timeoutMs, signal } = context;
  if (exec === undefined) return { ok: false, detail: "commands can't be run in instances here" };
  const { exitCode, output } = await exec(command, { timeoutMs, signal });
  const said = oneLine(output, 200);
  return { ok: exitCode === 0, detail: `exit code ${exitCode}${said === "" ? "" : `: ${said}`}` };
}

/** `http GET http://127.0.0.1:8080/healthz`: what a probe asks, for people. Without user name and password. */
export function titleOf(check: Check): string {
  if (check.kind === "http") return `http GET ${check.url.replace(/^(https?:\/\/)[^/?#]*@/i, "$1")}`;
  if (check.kind === "tcp") return `tcp ${check.host.includes(":") ? `[${check.host}]` : check.host}:${check.port}`;
  return `command ${oneLine(check.command.join(" "), 80)}`;
}
