import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { pipeline } from "node:stream/promises";

export interface FetchFileOptions {
  /** Nothing larger is written. */
  readonly mostBytes: number;
  /** For the whole exchange, redirects included. */
  readonly deadlineMs: number;
  /** For proxies (`HTTPS_PROXY` and its kin; Node 24.5 and newer). */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** What a server said instead of giving the file. */
export class FetchRefused extends Error {
  readonly status: number;

  constructor(url: URL, status: number) {
    super(`${url.host} answered ${status}`);
    this.status = status;
  }
}

const MOST_REDIRECTS = 5;

/**
 * Writes what an address serves into a new file and gives its SHA-256 in hex. No retries. A redirect never leads from
 * https to http; a proxy is never asked for this machine itself.
 * @throws FetchRefused; Node's own error with a `code`; the signal's reason
 */
export async function fetchFile(url: URL, path: string, options: FetchFileOptions): Promise<string> {
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  try {
    const incoming = await follow(url, signal, options.env);
    const hash = createHash("sha256");
    let size = 0;
    const measure = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        size += chunk.length;
        if (size > options.mostBytes) throw codedError("E2BIG", `it is larger than ${options.mostBytes} bytes`);
        hash.update(chunk);
        yield chunk;
      }
      if (!incoming.complete) throw codedError("ECONNRESET", "the connection was cut");
    };
    await pipeline(incoming, measure, createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal });
    return hash.digest("hex");
  } catch (error) {
    options.signal?.throwIfAborted();
    throw deadline.aborted ? codedError("ETIMEDOUT", `it was not there after ${options.deadlineMs} ms`) : error;
  }
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

async function follow(first: URL, signal: AbortSignal, env: FetchFileOptions["env"]): Promise<IncomingMessage> {
  let url = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const incoming = await get(url, signal, env);
    const { statusCode: status = 0, headers } = incoming;
    if (status === 200) return incoming;
    incoming.destroy();
    const { location = "" } = headers;
    if (status < 300 || status >= 400 || !URL.canParse(location, url.href)) throw new FetchRefused(url, status);
    const next = new URL(location, url.href);
    if (next.protocol !== "https:" && (next.protocol !== "http:" || url.protocol === "https:")) {
      throw codedError("EPROTO", `${url.host} sends on to ${next.protocol}//${next.host}`);
    }
    url = next;
  }
  throw codedError("ELOOP", `${first.host} sends on more than ${MOST_REDIRECTS} times`);
}

function get(url: URL, signal: AbortSignal, env: FetchFileOptions["env"]): Promise<IncomingMessage> {
  const local = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const proxy = local ? {} : { proxyEnv: env as NodeJS.ProcessEnv };
  const plain = url.protocol === "http:";
  const agent = plain ? new HttpAgent(proxy) : new HttpsAgent(proxy);
  const begin = plain ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const outgoing = begin(url, { method: "GET", agent, signal, headers: { "User-Agent": "belay" } });
    outgoing.once("error", reject).once("response", resolve).end();
  });
}
