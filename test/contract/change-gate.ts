import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A way to a Docker engine on which changes can be held up. What only asks always passes, and so do the ledger's records
 * (configs), as beats have to.
 */
export interface ChangeGate extends AsyncDisposable {
  /** On loopback. */
  readonly port: number;
  /** Stops the `nth` change from now on when the engine has made it, before its answer is passed on. Resolves then. */
  stopAfter(nth: number): Promise<void>;
  /** Stops the `nth` change from now on before it is passed to the engine. Resolves when it has come so far. */
  stopBefore(nth: number): Promise<void>;
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
    stopAfter: (nth) => gate.stop(nth, "after"),
    stopBefore: (nth) => gate.stop(nth, "before"),
    open: () => gate.open(),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await gate.open();
      await closed;
    },
  };
}

class Gate {
  /** Changes that pass before the one that is stopped. */
  #left = Number.POSITIVE_INFINITY;
  #where: "before" | "after" | undefined;
  #stopped = Promise.withResolvers<void>();
  #opened = Promise.withResolvers<void>();
  readonly #held = new Set<Promise<unknown>>();

  stop(nth: number, where: "before" | "after"): Promise<void> {
    this.#left = nth - 1;
    this.#where = where;
    this.#stopped = Promise.withResolvers();
    this.#opened = Promise.withResolvers();
    return this.#stopped.promise;
  }

  async open(): Promise<void> {
    this.#left = Number.POSITIVE_INFINITY;
    this.#opened.resolve();
    await Promise.allSettled(this.#held);
  }

  /** `make` passes the change to the engine, and resolves with its answer. */
  async admit<T>(make: () => Promise<T>): Promise<T> {
    if (this.#left > 0) {
      this.#left--;
      return make();
    }
    const opened = this.#opened.promise;
    const where = this.#where;
    // Later ones only wait.
    this.#where = undefined;
    const answer = where === "after" ? this.#hold(make(), opened) : opened.then(make);
    if (where === "before") this.#stopped.resolve();
    this.#held.add(answer);
    return answer.finally(() => this.#held.delete(answer));
  }

  async #hold<T>(made: Promise<T>, opened: Promise<void>): Promise<T> {
    const answer = await made;
    this.#stopped.resolve();
    await opened;
    return answer;
  }
}

async function pass(path: string, asked: IncomingMessage, answer: ServerResponse, gate: Gate): Promise<void> {
  try {
    // The whole request is here before it waits: whoever sent it may be gone by then.
    const body = isChange(asked) ? await bytesOf(asked) : undefined;
    const ask = (): Promise<IncomingMessage> => askEngine(path, asked, answer, body);
    const said = await (body === undefined ? ask() : gate.admit(ask));
    const { connection: _, "keep-alive": __, ...headers } = said.headers;
    answer.writeHead(said.statusCode ?? 502, headers);
    answer.flushHeaders();
    said.on("error", () => answer.destroy()).pipe(answer);
  } catch {
    // Whoever sent it is gone, or the engine is.
    answer.destroy();
  }
}

function askEngine(
  path: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  body: Buffer | undefined,
): Promise<IncomingMessage> {
  const { method = "", url = "", rawHeaders } = asked;
  const sent = request({ socketPath: path, method, path: url, headers: rawHeaders, agent: false });
  if (body === undefined) {
    asked.pipe(sent);
    answer.once("close", () => sent.destroy());
  } else sent.end(body);
  return new Promise((resolve, reject) => sent.once("response", resolve).once("error", reject));
}

function isChange({ method = "", url = "" }: IncomingMessage): boolean {
  const [, resource] = /^\/v[\d.]+\/(\w+)/.exec(url) ?? [];
  return method !== "GET" && method !== "HEAD" && resource !== "configs";
}

async function bytesOf(asked: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of asked) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
