import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoopCounts, LoopOrder, LoopResult } from "./request-loop-worker.ts";

export type { LoopCounts, LoopResult };

export interface RequestLoopOptions {
  readonly url: string;
  /** Default 200. */
  readonly perSecond?: number;
  /** A request without a whole answer after this time is lost. Default 5,000. */
  readonly timeoutMs?: number;
  /** The loop ends by itself after this time. Default 600. */
  readonly maxSeconds?: number;
  /** Name (in lower case) of the header that tells the version. Without it the body does. */
  readonly versionHeader?: string;
}

export interface RequestLoop {
  /** How it stands: a quarter of a second old at most. */
  counts(): LoopCounts;
  /** Sends no more, waits for what is under way, and tells. */
  stop(): Promise<LoopResult>;
}

const NOTHING: LoopCounts = { sent: 0, ok: 0, lost: 0, byVersion: {}, lostBecause: {} };

/**
 * Asks `url` so many times a second, each time over a new connection and without retries, from a process of its own.
 * Anything but a whole answer with status 200 is a lost request.
 */
export function requestLoop(options: RequestLoopOptions): RequestLoop {
  const child = fork(fileURLToPath(new URL("./request-loop-worker.ts", import.meta.url)), [], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let counts = NOTHING;
  child.on("message", (message: { counts?: LoopCounts }) => {
    counts = message.counts ?? counts;
  });
  const result = resultOf(child);
  // Whoever never calls `stop` must not get an unhandled rejection from it.
  result.catch(() => undefined);
  child.send({ order: orderOf(options) });
  const stop = (): Promise<LoopResult> => {
    if (child.connected) child.send({ stop: true });
    return result;
  };
  return { counts: () => counts, stop };
}

function orderOf(options: RequestLoopOptions): LoopOrder {
  return {
    url: options.url,
    perSecond: options.perSecond ?? 200,
    timeoutMs: options.timeoutMs ?? 5_000,
    maxSeconds: options.maxSeconds ?? 600,
    versionHeader: options.versionHeader,
  };
}

function resultOf(child: ChildProcess): Promise<LoopResult> {
  return new Promise((resolve, reject) => {
    let result: LoopResult | undefined;
    child.on("message", (message: { result?: LoopResult }) => {
      result = message.result ?? result;
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (result !== undefined) resolve(result);
      else reject(new Error(`the request loop ended early (${signal ?? `exit code ${code}`})`));
    });
  });
}
