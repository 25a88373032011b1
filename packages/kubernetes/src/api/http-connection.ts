import { type IncomingMessage, request as plainRequest } from "node:http";
import { type RequestOptions as TlsOptions, request as tlsRequest } from "node:https";
import { BelayError, type Clock, changePermit, messageOf, type Redactor } from "@belay/core";
import { type ApiStatus, apiErrorOf, statusOf } from "./api-error.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import type { Credential } from "./exec-plugin.ts";

export interface Call {
  readonly method: string;
  /** Begins with `/`, with the query. */
  readonly path: string;
  readonly doing: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** It changes nothing: dry runs are reads, too. */
  readonly isRead: boolean;
  readonly signal: AbortSignal;
}

const KEEP_ALIVE_MS = 5_000;

/** Speaks HTTP with an API server over connections that stay open, as the kubeconfig's user. */
export class HttpConnection {
  readonly #access: ClusterAccess;
  readonly #redactor: Redactor;
  readonly #clock: Clock;
  readonly #server: URL;
  #offsetMs: number | undefined;

  constructor(access: ClusterAccess, redactor: Redactor, clock: Clock) {
    this.#access = access;
    this.#redactor = redactor;
    this.#clock = clock;
    this.#server = access.server;
  }

  /**
   * Engine's time: the `Date` header has whole seconds, rounded down, so the one that came soonest after a full second is
   * the best, and monotonic time goes on from there.
   */
  now(): number {
    return Math.round((this.#offsetMs ?? this.#clock.date().getTime() - this.#clock.now()) + this.#clock.now());
  }

  /** The whole answer as text. @throws ApiError, or BelayError ENGINE_UNREACHABLE when there was no answer. */
  async text(call: Call): Promise<string> {
    const answer = await this.open(call);
    return this.#collect(answer, call);
  }

  /** The answer's head; its body is to be read. @throws as {@link text} */
  async open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#sendSigned(call);
    this.#learnTime(answer.headers.date);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const body = await this.#collect(answer, call);
    const told = statusOf(status, this.#redactor.redact(body));
    throw apiErrorOf(call.doing, withPause(told, answer.headers["retry-after"]));
  }

  /** A request whose sender the API server does not know has done nothing: it is sent once more with a new credential. */
  async #sendSigned(call: Call): Promise<IncomingMessage> {
    const { options, credential } = await this.#optionsOf(call);
    const answer = await this.#send(call, options);
    if (answer.statusCode !== 401 || !this.#access.refused(credential)) return answer;
    await this.#collect(answer, call);
    return this.#send(call, (await this.#optionsOf(call)).options);
  }

  async #send(call: Call, options: TlsOptions): Promise<IncomingMessage> {
    call.signal.throwIfAborted();
    const isPlain = this.#server.protocol === "http:";
    const begin = isPlain ? plainRequest : tlsRequest;
    const mayChange = call.isRead ? undefined : changePermit();
    return new Promise((resolve, reject) => {
      const request = begin(options, resolve);
      // A peer that is gone without a word is found out within about 15 s.
      request.once("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      request.once("error", (error) => reject(this.#failure(call, error)));
      const send = (): void => {
        try {
          mayChange?.();
          request.end(call.body);
        } catch (error) {
          reject(error);
          request.destroy();
        }
      };
      // Not before it can leave at once.
      request.once("socket", (socket) => {
        if (socket.connecting) socket.once(isPlain ? "connect" : "secureConnect", send);
        else send();
      });
    });
  }

  async #optionsOf(call: Call): Promise<{ options: TlsOptions; credential: Credential | undefined }> {
    const headers: Record<string, string> = { accept: call.accept ?? "application/json", "user-agent": "belay" };
    if (call.body !== undefined) {
      headers["content-type"] = call.contentType ?? "application/json";
      // Node sends the body of a DELETE in chunks without saying so, unless it is told its length.
      headers["content-length"] = String(Buffer.byteLength(call.body));
    }
    const options: TlsOptions = {
      method: call.method,
      host: this.#server.hostname.replace(/^\[|\]$/g, ""),
      port: this.#server.port || (this.#server.protocol === "http:" ? 80 : 443),
      // A server behind a path (Rancher, a proxy).
      path: this.#server.pathname.replace(/\/$/, "") + call.path,
      headers,
      signal: call.signal,
    };
    return { options, credential: await this.#access.applyTo(options) };
  }

  #collect(answer: IncomingMessage, call: Call): Promise<string> {
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.once("end", () => resolve(Buffer.concat(parts).toString("utf8")));
      answer.once("error", (error) => reject(this.#failure(call, error)));
    });
  }

  #failure({ doing, signal }: Call, error: Error): unknown {
    if (signal.aborted) return signal.reason;
    const got = this.#redactor.redact(`${this.#server.host} did not answer (${messageOf(error)})`);
    const code = /certificate|self-signed|altnames/i.test(messageOf(error)) ? "ENGINE_TLS" : "ENGINE_UNREACHABLE";
    return new BelayError(code, {
      doing,
      got,
      next: "Check that the API server can be reached from here.",
      cause: error,
    });
  }

  #learnTime(date: string | undefined): void {
    const at = Date.parse(date ?? "");
    if (Number.isNaN(at)) return;
    const offset = at - this.#clock.now();
    this.#offsetMs = Math.max(this.#offsetMs ?? offset, offset);
  }
}

/** Priority and fairness, and proxies, tell a pause in the header alone, beside plain text (`apiserver`, `tooManyRequests`). */
function withPause(status: ApiStatus, header: string | undefined): ApiStatus {
  const retryAfterSeconds = Number.parseInt(header ?? "", 10);
  if (Number.isNaN(retryAfterSeconds) || status.details.retryAfterSeconds !== undefined) return status;
  return { ...status, details: { ...status.details, retryAfterSeconds } };
}
