import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";

export interface RequestCounts {
  /** Requests that this process began. Those of command lines that Belay runs are not in it. */
  readonly requests: number;
  /** The most requests that were open at once and for longer than {@link LONG_MS}: streams of events, watches. */
  readonly streams: number;
}

/** A request that is open for so long is a stream. Milliseconds. */
const LONG_MS = 1_500;
const CHANNEL = "http.client.request.start";

/** Counts what this process asks over `node:http` while `work` goes on (diagnostics channel of Node). */
export async function countRequests<T>(work: () => Promise<T>): Promise<[T, RequestCounts]> {
  let requests = 0;
  let streams = 0;
  const open = new Map<ClientRequest, number>();
  const seen = new WeakSet<ClientRequest>();
  const onStart = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    // One that is ended before its connection is there is announced again when it is.
    if (seen.has(request)) return;
    seen.add(request);
    requests++;
    open.set(request, performance.now());
    request.once("close", () => open.delete(request));
  };
  const look = setInterval(() => {
    const now = performance.now();
    streams = Math.max(streams, [...open.values()].filter((since) => now - since > LONG_MS).length);
  }, 200);
  subscribe(CHANNEL, onStart);
  try {
    const result = await work();
    return [result, { requests, streams }];
  } finally {
    unsubscribe(CHANNEL, onStart);
    clearInterval(look);
  }
}
