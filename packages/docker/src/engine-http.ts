import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { BelayError, type Clock, changePermit, isBelayError, type Redactor, spareMemory } from "@belay/core";
import { ConnectionLost, connectionError } from "./connection-error.ts";
import { type DialCommand, DialSocket, type EngineSocket } from "./dial-socket.ts";
import { engineErrorOf } from "./engine-error.ts";
import { jsonArray } from "./json-array.ts";
import { openLocalSocket } from "./local-socket.ts";
import { within } from "./within.ts";

/** What every call of the client takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the whole call, waiting for a free connection included. Default 30 s, where nothing else is said. */
  readonly deadlineMs?: number;
}

export interface EngineRequest extends CallOptions {
  /** For errors: `stopping the container web-1`. */
  readonly doing: string;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Without the version: `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | object | undefined>>;
  readonly body?: unknown;
  /** An archive as the body, in place of JSON. */
  readonly tar?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `slow`: what may wait for long (a container's grace period) must not hold the ordinary requests up. `stream`: a
   * connection of its own.
   */
  readonly lane?: "ordinary" | "slow" | "stream";
}

export interface Opened {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  /** First bytes after an upgrade. */
  readonly head?: Buffer;
}

export const DEFAULT_DEADLINE_MS = 30_000;
const BODY_LIMIT = 64 * 1024 * 1024;
const STDERR_WAIT_MS = 1_000;
const SLOW_CONNECTIONS = 4;
const STREAM_CONNECTIONS = 16;

/** A connection that this client opened. */
type Connection = Duplex & EngineSocket;

class DialAgent extends Agent {
  readonly #dial: () => Connection;

  constructor(dial: () => Connection, options: { keepAlive: boolean; maxSockets: number }) {
    // There is no TLS to name a server for. Node would find out that `docker` is no IPv6 address, with a pattern that takes
    // 3 ms to compile, twice (`calculateServerName` in lib/_http_agent.js).
    const named = { ...options, servername: "" };
    super(named);
    this.#dial = dial;
  }

  override createConnection(): Duplex {
    return this.#dial();
  }
}

/** HTTP/1.1 over `docker system dial-stdio` or a socket of this machine: one connection for ordinary requests, a few for slow ones and streams. */
export class EngineHttp {
  readonly command: DialCommand;
  readonly clock: Clock;
  readonly redactor: Redactor;
  readonly #sockets = new Set<Connection>();
  readonly #agents: Readonly<Record<"ordinary" | "slow" | "stream", Agent>>;
  #prefix = "";
  #closed = false;

  constructor(command: DialCommand, clock: Clock, redactor: Redactor) {
    this.command = command;
    this.clock = clock;
    this.redactor = redactor;
    const dial = (): Connection => this.#dial();
    this.#agents = {
      ordinary: new DialAgent(dial, { keepAlive: true, maxSockets: 1 }),
      slow: new DialAgent(dial, { keepAlive: true, maxSockets: SLOW_CONNECTIONS }),
      stream: new DialAgent(dial, { keepAlive: false, maxSockets: STREAM_CONNECTIONS }),
    };
  }

  /** From now on paths get this API version in front. */
  speak(version: string): void {
    this.#prefix = `/v${version}`;
  }

  /** Number of open connections, for tests and measurements. */
  get connections(): number {
    return this.#sockets.size;
  }

  #dial(): Connection {
    const { socketPath } = this.command;
    const socket = socketPath === undefined ? new DialSocket(this.command) : openLocalSocket(socketPath);
    this.#sockets.add(socket);
    socket.gone.then(() => this.#sockets.delete(socket));
    return socket;
  }

  /** A whole exchange. An error status becomes an `EngineError`, a JSON answer is parsed. */
  async json<T>(request: EngineRequest): Promise<T> {
    const { text } = await this.call(request);
    try {
      return (text === "" ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      const got = "the engine's answer is no JSON";
      throw new BelayError("ENGINE_ERROR", { doing: request.doing, got, next: "Is a proxy in between?", cause: error });
    }
  }

  /** A whole exchange whose answer is an array of objects. `take` makes something of each from its text. */
  async list<T>(request: EngineRequest, take: (text: string) => T = JSON.parse): Promise<T[]> {
    return this.#exchange(request, async (response, socket, signal) => {
      if ((response.statusCode ?? 0) >= 300) {
        this.#check(request, response, await readText(response, socket, signal));
      }
      return readList(response, socket, signal, request.doing, take);
    });
  }

  /**
   * A whole exchange, its body as text. A GET over a connection that turns out to be dead is asked once more on a new
   * one; everything else never is, because it may have been carried out.
   */
  async call(request: EngineRequest): Promise<{ readonly headers: IncomingMessage["headers"]; readonly text: string }> {
    return this.#exchange(request, async (response, socket, signal) => {
      const text = await readText(response, socket, signal);
      this.#check(request, response, text);
      return { headers: response.headers, text };
    });
  }

  async #exchange<T>(
    request: EngineRequest,
    read: (response: IncomingMessage, socket: EngineSocket, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const bounds = { ...request, deadlineMs: request.deadlineMs ?? DEFAULT_DEADLINE_MS };
    return within(this.clock, bounds, (signal) =>
      this.#again(request, async () => {
        const { response, socket } = await this.#send(request, this.#agents[request.lane ?? "ordinary"], signal);
        return read(response, socket as Connection, signal);
      }),
    );
  }

  /**
   * An answer whose body is a stream, on a connection of its own where no other lane is named: one that ends by itself
   * and soon need not dial. The deadline is for its head; the signal for all.
   */
  async open(request: EngineRequest): Promise<Opened> {
    const bounds = { ...request, deadlineMs: request.deadlineMs ?? DEFAULT_DEADLINE_MS };
    return within(this.clock, bounds, (signal) =>
      this.#again(request, async () => {
        const opened = await this.#send(request, this.#agents[request.lane ?? "stream"], signal);
        const { response, socket } = opened;
        if ((response.statusCode ?? 0) >= 300) {
          this.#check(request, response, await readText(response, socket as Connection, signal));
        }
        return opened;
      }),
    );
  }

  /** The typed error for a stream that broke while it was read; errors that are typed already stay as they are. */
  async explain(error: unknown, doing: string, socket: Duplex): Promise<unknown> {
    if (isBelayError(error)) return error;
    const lost = new ConnectionLost(isOwn(socket) ? socket : undefined, error);
    await this.#settle(lost);
    return connectionError(lost, doing, this.command.command, this.redactor);
  }

  async #again<T>(request: EngineRequest, exchange: () => Promise<T>): Promise<T> {
    const harmless = isHarmless(request);
    const once = async (retry: boolean): Promise<T> => {
      try {
        return await exchange();
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        error.mutation = !harmless;
        await this.#settle(error);
        if (retry && error.worthRetrying) return once(false);
        throw connectionError(error, request.doing, this.command.command, this.redactor);
      }
    };
    return once(harmless);
  }

  /** `dial-stdio` says on stderr why it ends; that comes a moment after the end of its output. */
  async #settle(lost: ConnectionLost): Promise<void> {
    if (lost.socket === undefined) return;
    const stop = new AbortController();
    const wait = this.clock.sleep(STDERR_WAIT_MS, stop.signal).catch(() => undefined);
    await Promise.race([lost.socket.gone, wait]);
    stop.abort();
  }

  #send(request: EngineRequest, agent: Agent, signal: AbortSignal): Promise<Opened> {
    if (this.#closed) {
      throw new BelayError("INTERNAL", { doing: request.doing, got: "this client of the engine has been closed" });
    }
    const body = bodyOf(request);
    const mayChange = isHarmless(request) ? undefined : changePermit();
    return new Promise((resolve, reject) => {
      let socket: Connection | undefined;
      const http = httpRequest({
        agent,
        signal,
        method: request.method ?? "GET",
        path: `${this.#prefix}${request.path}${queryOf(request.query)}`,
        headers: {
          Host: "docker",
          "User-Agent": "belay",
          ...(body === undefined ? {} : { "Content-Type": body.type, "Content-Length": body.bytes.length }),
          ...request.headers,
        },
      });
      http.once("socket", (one) => {
        socket = one as unknown as Connection;
        // Nothing was written before: it may have waited for this connection for long.
        try {
          mayChange?.();
          http.end(body?.bytes);
        } catch (error) {
          reject(error);
          http.destroy();
        }
      });
      http.once("response", (response) => resolve({ response, socket: response.socket }));
      http.once("upgrade", (response, upgraded, head) => resolve({ response, socket: upgraded, head }));
      http.on("error", (error) => reject(signal.aborted ? signal.reason : new ConnectionLost(socket, error)));
      // A request that still waits for its connection tells of its end only when it gets one.
      const giveUp = (): void => reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      http.once("close", () => signal.removeEventListener("abort", giveUp));
    });
  }

  #check(request: EngineRequest, response: IncomingMessage, text: string): void {
    const status = response.statusCode ?? 0;
    // 304: the container is already started or stopped (API: ContainerStart, ContainerStop).
    if (status < 300 || status === 304) return;
    throw engineErrorOf(request.doing, status, this.redactor.redact(text));
  }

  /** Ends all connections and waits until their processes are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const sockets = [...this.#sockets];
    for (const agent of Object.values(this.#agents)) agent.destroy();
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map((socket) => socket.gone));
  }
}

function isOwn(socket: Duplex): socket is Connection {
  return "gone" in socket && "answered" in socket;
}

function isHarmless({ method = "GET" }: EngineRequest): boolean {
  return method === "GET";
}

function bodyOf({ body, tar }: EngineRequest): { readonly type: string; readonly bytes: Uint8Array } | undefined {
  if (tar !== undefined) return { type: "application/x-tar", bytes: tar };
  return body === undefined ? undefined : { type: "application/json", bytes: Buffer.from(JSON.stringify(body)) };
}

async function readText(response: IncomingMessage, socket: EngineSocket, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > BODY_LIMIT) throw new Error("the engine's answer is too large");
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new ConnectionLost(socket, error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function readList<T>(
  response: IncomingMessage,
  socket: EngineSocket,
  signal: AbortSignal,
  doing: string,
  take: (text: string) => T,
): Promise<T[]> {
  const list: T[] = [];
  try {
    for await (const text of jsonArray(response as AsyncIterable<Buffer>)) spareMemory(list.push(take(text)));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SyntaxError)) throw new ConnectionLost(socket, error);
    const got = "the engine's answer is no JSON";
    throw new BelayError("ENGINE_ERROR", { doing, got, next: "Is a proxy in between?", cause: error });
  }
  return list;
}

function queryOf(query: EngineRequest["query"]): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    return [[name, typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}
