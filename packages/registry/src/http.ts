import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isLoopback } from "./insecure-registries.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** For the whole exchange. */
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
        : new HttpsAgent({ ...options, rejectUnauthorized: !anyCertificate });
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
  const deadline = AbortSignal.timeout(request.deadlineMs);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const begin = request.url.protocol === "http:" ? requestHttp : requestHttps;
  const reads = request.method === "GET" || request.method === "HEAD";
  const length: Record<string, string> = reads ? {} : { "Content-Length": String(request.body?.byteLength ?? 0) };
  const outgoing = begin(request.url, {
    method: request.method,
    agent,
    signal,
    headers: { ...request.headers, ...length },
  });
  const fail = (error: Error): void => {
    if (request.signal?.aborted) reject(request.signal.reason);
    else if (deadline.aborted) reject(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    else reject(error);
  };
  outgoing.on("error", fail);
  outgoing.on("response", (incoming) => {
    collect(incoming).then(
      (body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      (error: Error) => fail(error),
    );
  });
  outgoing.end(request.body);
  return promise;
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
