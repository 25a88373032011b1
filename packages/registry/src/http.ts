import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isLoopback } from "./insecure-registries.ts";

/** A body that is too large for the memory. */
export interface BodyStream {
  /** Bytes that it will give. */
  readonly length: number;
  /** Gives them from the first to the last; again, when a request is repeated. */
  open(): AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | BodyStream;
  readonly signal?: AbortSignal;
  /** For the whole exchange; with a {@link BodyStream} for each stretch in which nothing moves. */
  readonly deadlineMs: number;
  /** Takes any certificate: only for registries that the engine itself takes as insecure. */
  readonly anyCertificate: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** One exchange, no redirects, no retries. Rejects with Node's own error, which has a `code`. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** Manifests, tokens, and the documents that Belay itself attaches are small: more is not read. */
const LARGEST = 16 * 1024 * 1024;

/** No authority is asked then, so none is read either: all that Node brings take some milliseconds. */
const ANY_CERTIFICATE = { rejectUnauthorized: false, ca: [] };

/**
 * Over `node:http(s)` and not `fetch`, which can't take a registry's self-signed certificate without the whole of
 * undici. Connections are kept; `HTTPS_PROXY` and its kin are obeyed (Node 24.5 and newer), never for this machine
 * itself, as the docker command line does it.
 */
export function createHttp(env: Readonly<Record<string, string | undefined>>): { send: Http; close(): void } {
  const agents = new Map<string, HttpAgent | HttpsAgent>();
  const agentFor = ({ url, anyCertificate }: HttpRequest): HttpAgent | HttpsAgent => {
    const local = isLoopback(url.hostname);
    const key = `${url.protocol} ${local} ${anyCertificate}`;
    const proxy = local ? {} : { proxyEnv: env as NodeJS.ProcessEnv };
    const options = { keepAlive: true, ...proxy };
    const make = (): HttpAgent =>
      url.protocol === "http:"
        ? new HttpAgent(options)
        : new HttpsAgent({ ...options, ...(anyCertificate ? ANY_CERTIFICATE : {}) });
    const agent = agents.get(key) ?? make();
    agents.set(key, agent);
    return agent;
  };
  return {
    send: (request) => exchange(request, agentFor(request)),
    close: () => {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function exchange(request: HttpRequest, agent: HttpAgent | HttpsAgent): Promise<HttpResponse> {
  const patience = new Patience(request.deadlineMs);
  const signals = [patience.signal, ...(request.signal === undefined ? [] : [request.signal])];
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const begin = request.url.protocol === "http:" ? requestHttp : requestHttps;
  const outgoing = begin(request.url, {
    method: request.method,
    agent,
    signal: AbortSignal.any(signals),
    headers: { ...request.headers, ...lengthOf(request) },
  });
  let answered = false;
  const fail = (error: Error): void => {
    if (request.signal?.aborted) reject(request.signal.reason);
    else if (patience.signal.aborted) reject(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    else reject(error);
  };
  // An answer that comes before the body has gone (a refusal) counts, whatever becomes of the rest of the body.
  const failBeforeAnswer = (error: Error): void => {
    if (!answered) fail(error);
  };
  outgoing.on("error", failBeforeAnswer);
  outgoing.on("response", (incoming) => {
    answered = true;
    collect(incoming).then(
      (body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      (error: Error) => fail(error),
    );
  });
  sendBody(request.body, outgoing, patience).catch(failBeforeAnswer);
  return promise.finally(() => {
    patience.end();
    // What is left of a body that nobody wants would keep the connection busy.
    if (!outgoing.writableFinished) outgoing.destroy();
  });
}

function lengthOf({ method, body }: HttpRequest): Record<string, string> {
  if (method === "GET" || method === "HEAD") return {};
  const length = body === undefined ? 0 : body instanceof Uint8Array ? body.byteLength : body.length;
  return { "Content-Length": String(length) };
}

async function sendBody(body: HttpRequest["body"], outgoing: ClientRequest, patience: Patience): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) return void outgoing.end(body);
  const source = Readable.from(
    (async function* () {
      for await (const chunk of body.open()) {
        patience.renew();
        yield chunk;
      }
      patience.renew();
    })(),
    { objectMode: false },
  );
  await pipeline(source, outgoing);
}

/** Time that may pass without anything moving. */
class Patience {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => this.#stop.abort(), milliseconds);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  renew(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) throw Object.assign(new Error(`the answer is larger than ${LARGEST} bytes`), { code: "E2BIG" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
