import type { Duplex } from "node:stream";
import { BelayError } from "@belay/core";
import { collect } from "./container-logs.ts";
import type { CallOptions, EngineHttp, Opened } from "./engine-http.ts";
import { DEFAULT_DEADLINE_MS } from "./engine-http.ts";
import { frames } from "./frames.ts";
import { short } from "./short-id.ts";
import { within } from "./within.ts";

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  /** Only the last so many bytes of output are kept. Default 64 KiB. */
  readonly maxBytes?: number;
}

export interface ExecResult {
  /** The command's own; 126 and 127 when it can't be run in the container. */
  readonly exitCode: number;
  /** Stdout and stderr as they came: between the two there may be no order. Not redacted. */
  readonly output: string;
}

export type Exec = (
  id: string,
  command: readonly string[],
  query?: ExecOptions,
  options?: CallOptions,
) => Promise<ExecResult>;

const MAX_BYTES = 64 * 1024;
/** The engine notes the exit code a moment after it has closed the output (seen on 20.10). */
const EXIT_WAIT_MS = 2_000;
const EXIT_POLL_MS = 20;

interface ExecInspect {
  readonly Running: boolean;
  readonly ExitCode: number | null;
}

export async function runExec(
  http: EngineHttp,
  id: string,
  command: readonly string[],
  query: ExecOptions = {},
  options: CallOptions = {},
): Promise<ExecResult> {
  const doing = `running ${JSON.stringify(command[0] ?? "")} in the container ${short(id)}`;
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const next = "The command may still be running in the container: the engine can't end it.";
  return within(http.clock, { doing, deadlineMs, signal: options.signal, next }, async (signal) => {
    const bounds = { doing, signal, deadlineMs };
    const path = `/containers/${encodeURIComponent(id)}/exec`;
    const body = createBody(command, query);
    const { Id } = await http.json<{ Id: string }>({ ...bounds, method: "POST", path, body });
    const opened = await http.open({
      ...bounds,
      method: "POST",
      path: `/exec/${Id}/start`,
      body: { Detach: false, Tty: false },
      headers: { Connection: "Upgrade", Upgrade: "tcp" },
    });
    const output = await outputOf(http, opened, doing, query.maxBytes ?? MAX_BYTES, signal);
    return { output, exitCode: await exitCodeOf(http, Id, bounds) };
  });
}

function createBody(command: readonly string[], query: ExecOptions): object {
  return {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: command,
    Env: Object.entries(query.env ?? {}).map(([name, value]) => `${name}=${value}`),
    ...(query.user === undefined ? {} : { User: query.user }),
    ...(query.workingDir === undefined ? {} : { WorkingDir: query.workingDir }),
  };
}

async function outputOf(
  http: EngineHttp,
  opened: Opened,
  doing: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const { response, socket, head } = opened;
  // A proxy in between may take the upgrade away: then the same stream is the body of an ordinary answer.
  const upgraded = response.statusCode === 101;
  const stop = (): void => void socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const source = upgraded ? afterHead(head, socket) : response;
    const chunks = await collect(frames(source), maxBytes);
    return Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString("utf8");
  } catch (error) {
    signal.throwIfAborted();
    throw await http.explain(error, doing, socket);
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

async function* afterHead(head: Buffer | undefined, socket: Duplex): AsyncGenerator<Uint8Array> {
  if (head !== undefined && head.length > 0) yield head;
  yield* socket;
}

async function exitCodeOf(
  http: EngineHttp,
  id: string,
  bounds: { doing: string; signal: AbortSignal; deadlineMs: number },
): Promise<number> {
  const until = http.clock.now() + EXIT_WAIT_MS;
  for (;;) {
    const state = await http.json<ExecInspect>({ ...bounds, path: `/exec/${id}/json` });
    if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    if (http.clock.now() >= until) {
      const got = "its output ended, but the engine says that it still runs: the connection was cut";
      throw new BelayError("ENGINE_ERROR", { doing: bounds.doing, got });
    }
    await http.clock.sleep(EXIT_POLL_MS, bounds.signal);
  }
}
