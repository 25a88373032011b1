import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A way to a Docker engine on which changes can be held up. What only asks passes unless it is meant itself, and so do the
 * ledger's records (configs, volumes), as beats have to.
 */
export interface ChangeGate extends AsyncDisposable {
  /** On loopback. */
  readonly port: number;
  /**
   * Stops the `nth` change from now on when the engine has made it, before its answer is passed on. Resolves then.
   * `which`: counts what this fits instead, of all that is asked: `POST /v1.41/containers/…/stop`.
   */
  stopAfter(nth: number, which?: RegExp): Promise<void>;
  /** Stops the `nth` change from now on before it is passed to the engine. Resolves when it has come so far. */
  stopBefore(nth: number, which?: RegExp): Promise<void>;
  /** Resolves when the engine has answered the `nth` such request from now on. */
  answered(nth: number, which: RegExp): Promise<void>;
  /** Lets pass what was stopped. Resolves when the engine has answered all of it. */
  open(): Promise<void>;
}

export async function startChangeGate(engine: { readonly path: string }): Promise<ChangeGate> {
  const gate = new Gate();
  const server = createServer((asked, answer) => void pass(engine.path, asked, answer, gate));
  // Engines keep idle connections, and take as long as they need for an answer.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stopAfter: (nth, which) => gate.stop({ left: nth, which, where: "after" }),
    stopBefore: (nth, which) => gate.stop({ left: nth, which, where: "before" }),
    answered: (nth, which) => gate.answered(nth, which),
    open: () => gate.open(),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await gate.open();
      await closed;
    },
  };
}

/** Where to stop; `left`: how many of those that are meant are still to come, this one included. */
interface StopAt {
  left: number;
  readonly which: RegExp | undefined;
  readonly where: "before" | "after";
}

interface Awaited {
  left: number;
  readonly which: RegExp;
  readonly done: () => void;
}

class Gate {
  #stopAt: StopAt | undefined;
  /** It has stopped something: later changes only wait. */
  #closed = false;
  #stopped = Promise.withResolvers<void>();
  #opened = Promise.withResolvers<void>();
  readonly #held = new Set<Promise<unknown>>();
  readonly #awaited = new Set<Awaited>();

  stop(point: StopAt): Promise<void> {
    this.#stopAt = point;
    this.#stopped = Promise.withResolvers();
    this.#opened = Promise.withResolvers();
    return this.#stopped.promise;
  }

  answered(nth: number, which: RegExp): Promise<void> {
    return new Promise((done) => this.#awaited.add({ left: nth, which, done }));
  }

  async open(): Promise<void> {
    this.#stopAt = undefined;
    this.#closed = false;
    this.#opened.resolve();
    await Promise.allSettled(this.#held);
  }

  /** `make` passes the request to the engine, and resolves with its answer. */
  async admit<T>(asked: IncomingMessage, make: () => Promise<T>): Promise<T> {
    const where = this.#whereToStop(asked);
    if (where === undefined) return this.#told(asked, await make());
    const opened = this.#opened.promise;
    const answer = where === "after" ? this.#hold(make(), opened) : opened.then(make);
    if (where === "before") this.#stopped.resolve();
    this.#held.add(answer);
    return answer.finally(() => this.#held.delete(answer));
  }

  #whereToStop(asked: IncomingMessage): "before" | "after" | "behind" | undefined {
    if (this.#closed) return isChange(asked) ? "behind" : undefined;
    const point = this.#stopAt;
    if (point === undefined || !(point.which?.test(titleOf(asked)) ?? isChange(asked))) return undefined;
    point.left--;
    if (point.left > 0) return undefined;
    this.#closed = true;
    return point.where;
  }

  #told<T>(asked: IncomingMessage, answer: T): T {
    for (const one of this.#awaited) {
      if (!one.which.test(titleOf(asked)) || --one.left > 0) continue;
      this.#awaited.delete(one);
      one.done();
    }
    return answer;
  }

  async #hold<T>(made: Promise<T>, opened: Promise<void>): Promise<T> {
    const answer = await made;
    this.#stopped.resolve();
    await opened;
    return answer;
  }
}

function titleOf({ method = "", url = "" }: IncomingMessage): string {
  return `${method} ${url}`;
}

async function pass(path: string, asked: IncomingMessage, answer: ServerResponse, gate: Gate): Promise<void> {
  try {
    // The whole request is here before it waits: whoever sent it may be gone by then.
    const body = isChange(asked) ? await bytesOf(asked) : undefined;
    const ask = (): Promise<IncomingMessage> => askEngine(path, asked, answer, body);
    const said = await gate.admit(asked, ask);
    const { connection: _, "keep-alive": __, ...headers } = said.headers;
    answer.writeHead(said.statusCode ?? 502, headers);
    answer.flushHeaders();
    said.on("error", (error) => cut(asked, answer, error)).pipe(answer);
  } catch (error) {
    cut(asked, answer, error);
  }
}

/** Whoever sent it is gone, or the engine is: a run would only tell that its connection was cut, and not by whom. */
function cut(asked: IncomingMessage, answer: ServerResponse, error: unknown): void {
  if (!asked.socket.destroyed) console.warn(`the gate cuts off ${titleOf(asked)}:`, error);
  answer.destroy();
}

function askEngine(
  path: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  body: Buffer | undefined,
): Promise<IncomingMessage> {
  const { method = "", url = "" } = asked;
  // Without an upgrade the engine sends the same stream as the body of an ordinary answer.
  const { connection: _, upgrade: __, ...headers } = asked.headers;
  const sent = request({ socketPath: path, method, path: url, headers, agent: false });
  if (body === undefined) {
    asked.pipe(sent);
    answer.once("close", () => sent.destroy());
  } else sent.end(body);
  return new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject));
}

function isChange({ method = "", url = "" }: IncomingMessage): boolean {
  const [, resource] = /^\/v[\d.]+\/(\w+)/.exec(url) ?? [];
  return method !== "GET" && method !== "HEAD" && resource !== "configs" && resource !== "volumes";
}

async function bytesOf(asked: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of asked) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
