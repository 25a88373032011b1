import type { CallOptions, EngineHttp, EngineRequest } from "./engine-http.ts";
import { DEFAULT_DEADLINE_MS } from "./engine-http.ts";
import type { ContainerInspect } from "./engine-types.ts";
import { frames, type OutputChunk, rawFrames } from "./frames.ts";
import { short } from "./short-id.ts";
import { within } from "./within.ts";

export interface LogLine {
  readonly stream: "stdout" | "stderr";
  /** Without its newline; redacted. Still text from outside: it may hold anything. */
  readonly text: string;
}

export interface LogOptions {
  /** Number of last lines. Default 100. */
  readonly tail?: number;
  /** Engine's time: seconds since 1970, with a fraction, or ISO 8601. */
  readonly since?: number | string;
  /** Of what the engine sends only the last so many bytes are kept. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Whether the program has a terminal. Left out, the engine is asked where its answer does not tell. */
  readonly tty?: boolean;
}

const MAX_BYTES = 1024 * 1024;

export async function readLogs(
  http: EngineHttp,
  id: string,
  query: LogOptions = {},
  options: CallOptions = {},
): Promise<readonly LogLine[]> {
  const doing = `reading the log of the container ${short(id)}`;
  const path = `/containers/${encodeURIComponent(id)}`;
  const tty = (call: CallOptions): Promise<boolean> =>
    http.json<ContainerInspect>({ doing, path: `${path}/json`, ...call }).then((one) => one.Config.Tty === true);
  return readLogsAt(http, { doing, path: `${path}/logs`, tty, lane: "slow" }, query, options);
}

/** Where a log is read, and what tells whether it comes from a terminal. */
export interface LogSource extends Pick<EngineRequest, "lane"> {
  readonly doing: string;
  readonly path: string;
  readonly tty: (options: CallOptions) => Promise<boolean>;
}

/** A log of a container or a task, redacted and bounded. */
export async function readLogsAt(
  http: EngineHttp,
  { doing, path, tty, ...lane }: LogSource,
  query: LogOptions,
  options: CallOptions,
): Promise<readonly LogLine[]> {
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  return within(http.clock, { doing, deadlineMs, signal: options.signal }, async (signal) => {
    const { response, socket } = await http.open({
      doing,
      path,
      ...lane,
      query: { stdout: true, stderr: true, tail: query.tail ?? 100, since: query.since },
      signal,
      deadlineMs,
    });
    const type = response.headers["content-type"] ?? "";
    // From API 1.42 on the answer's type tells whether there are frames; before, only the container's settings do.
    const raw = type.includes("multiplexed-stream") ? false : (query.tty ?? (await tty({ signal, deadlineMs })));
    try {
      const kept = await collect(raw ? rawFrames(response) : frames(response), query.maxBytes ?? MAX_BYTES);
      return linesOf(kept).map((line) => ({ ...line, text: http.redactor.redact(line.text) }));
    } catch (error) {
      signal.throwIfAborted();
      throw await http.explain(error, doing, socket);
    }
  });
}

/** The last chunks whose bytes come to about `maxBytes`. */
export async function collect(stream: AsyncIterable<OutputChunk>, maxBytes: number): Promise<OutputChunk[]> {
  const kept: OutputChunk[] = [];
  let size = 0;
  for await (const chunk of stream) {
    kept.push(chunk);
    size += chunk.bytes.length;
    while (size > maxBytes && kept.length > 1) size -= kept.shift()?.bytes.length ?? 0;
  }
  const [only] = kept;
  if (kept.length === 1 && only !== undefined) return [{ ...only, bytes: only.bytes.subarray(-maxBytes) }];
  return kept;
}

/** Whole lines: a long line may come in several frames, with frames of the other stream in between. */
function linesOf(chunks: readonly OutputChunk[]): LogLine[] {
  const lines: LogLine[] = [];
  const rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for (const { stream, bytes } of chunks) {
    let all = Buffer.concat([rest[stream], bytes]);
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10)) {
      lines.push({ stream, text: all.toString("utf8", 0, end).replace(/\r$/, "") });
      all = all.subarray(end + 1);
    }
    rest[stream] = all;
  }
  for (const stream of ["stdout", "stderr"] as const) {
    if (rest[stream].length > 0) lines.push({ stream, text: rest[stream].toString("utf8") });
  }
  return lines;
}
