import { type Clock, isBelayError, type Log, messageOf, oneLine, type Redactor, retry } from "@belay/core";
import { addressIn } from "./address-in.ts";
import type { Authenticator, Credentials } from "./authenticator.ts";
import { parseChallenges } from "./challenge.ts";
import type { Http, HttpRequest, HttpResponse } from "./http.ts";
import type { InsecureRegistries } from "./insecure-registries.ts";
import { connectionError, statusError, unauthorised } from "./registry-answer.ts";
import { isTransient, RegistryError } from "./registry-error.ts";
import { fetchToken } from "./token.ts";

export interface SessionOptions {
  readonly http: Http;
  readonly auth: Authenticator;
  readonly redactor: Redactor;
  readonly log: Log;
  readonly clock: Clock;
  readonly insecure: InsecureRegistries;
  /** Tries of each request, the first included. */
  readonly attempts: number;
  /** How long a request may be put off by `Retry-After`, all its tries together. Default ten minutes. */
  readonly patienceMs?: number;
  readonly random?: () => number;
}

export interface RegistryRequest {
  /** `reading ghcr.io/acme/shop:v1`. */
  readonly doing: string;
  readonly method: HttpRequest["method"];
  /** Below the registry's address, with a leading slash; or an absolute URL that the registry gave. */
  readonly path: string;
  /** Repository below the registry: what the token is for. */
  readonly repository: string;
  readonly access: "pull" | "push" | "delete";
  /** Repository of the same registry that is read too (a mount). */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
  /** Statuses that are answers and no errors, beside 2xx. */
  readonly answers?: readonly number[];
  /** Default: those of the session. */
  readonly attempts?: number;
  /** Default 30 s; see {@link HttpRequest.deadlineMs}. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface RegistryResponse extends HttpResponse {
  /** What answered: addresses in the answer are relative to it. */
  readonly url: URL;
}

const DEADLINE_MS = 30_000;
const MOST_REDIRECTS = 5;
const LONGEST_PAUSE_MS = 60_000;
const PATIENCE_MS = 10 * 60_000;
/** Docker Hub's name in references is not the host that serves it. */
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** One registry: its address, the tokens we hold for it, and how its failures are told and retried. */
export class RegistrySession {
  readonly #options: SessionOptions;
  readonly #registry: string;
  readonly #authorisation = new Map<string, string>();
  readonly #renewals = new Map<string, Promise<void>>();
  #base: Promise<URL> | undefined;

  constructor(registry: string, options: SessionOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /** @throws RegistryError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORISED, REGISTRY_ERROR, after the retries. */
  request(request: RegistryRequest): Promise<RegistryResponse> {
    const { clock, log, random, patienceMs = PATIENCE_MS } = this.#options;
    const { attempts = this.#options.attempts } = request;
    const giveUpAt = clock.now() + patienceMs;
    const asked = (error: unknown): number | undefined =>
      error instanceof RegistryError ? error.retryAfterMs : undefined;
    return retry(
      {
        attempts,
        delayMs: 500,
        maxDelayMs: Math.max(patienceMs, LONGEST_PAUSE_MS),
        retryable: (error) => isTransient(error) && clock.now() + (asked(error) ?? 0) <= giveUpAt,
        retryAfterMs: asked,
        onRetry: (error, attempt, pauseMs) =>
          log.info(`${messageOf(error)} (try ${attempt} of ${attempts}, again in ${Math.round(pauseMs)} ms)`),
        clock,
        ...(random === undefined ? {} : { random }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      },
      () => this.#attempt(request),
    );
  }

  async #attempt(request: RegistryRequest): Promise<RegistryResponse> {
    const base = await this.#address(request);
    const url = this.#within(request, new URL(request.path, base), base);
    const used = this.#authorisation.get(keyOf(request));
    let response = await this.#send(request, url, base);
    if (response.status === 401) {
      await this.#renew(request, response, used);
      response = await this.#send(request, url, base);
    }
    const { status } = response;
    if ((status >= 200 && status < 300) || request.answers?.includes(status)) return response;
    if (status === 401 || status === 403) throw await this.#refused(request, response);
    const { clock, redactor } = this.#options;
    throw statusError({ doing: request.doing, registry: this.#registry, response, clock, redactor });
  }

  /** A proxy that ends TLS and does not tell the registry so makes it give addresses with plain http. */
  #within(request: RegistryRequest, url: URL, base: URL): URL {
    if (base.protocol !== "https:" || url.protocol === "https:") return url;
    if (url.hostname !== base.hostname) throw this.#error(request, "it names an address with plain http");
    const secure = new URL(url);
    secure.protocol = "https:";
    secure.port = base.port;
    return secure;
  }

  async #send(request: RegistryRequest, first: URL, base: URL): Promise<RegistryResponse> {
    let url = first;
    for (let hop = 0; ; hop++) {
      const response = await this.#exchange(request, url, url.origin === base.origin);
      const location = response.headers.location;
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      const reads = request.method === "GET" || request.method === "HEAD";
      if (!redirected || !reads) return { ...response, url };
      if (hop >= MOST_REDIRECTS) throw this.#error(request, "it redirects again and again");
      const next = new URL(addressIn(request.doing, location, url));
      if (url.protocol === "https:" && next.protocol !== "https:")
        throw this.#error(request, "it redirects to plain http");
      url = next;
    }
  }

  /** Storage that a registry sends us to must never see the registry's token. */
  #exchange(request: RegistryRequest, url: URL, own: boolean): Promise<HttpResponse> {
    const authorisation = own ? this.#authorisation.get(keyOf(request)) : undefined;
    return this.#connect(request.doing, {
      method: request.method,
      url,
      headers: {
        "User-Agent": "belay",
        ...request.headers,
        ...(authorisation === undefined ? {} : { Authorization: authorisation }),
      },
      deadlineMs: request.deadlineMs ?? DEADLINE_MS,
      anyCertificate: this.#options.insecure(this.#registry),
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  }

  async #connect(doing: string, request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#options.http(request);
    } catch (error) {
      request.signal?.throwIfAborted();
      // What the source of a body has to say is no failure of the connection.
      if (isBelayError(error)) throw error;
      throw connectionError(doing, this.#registry, error);
    }
  }

  /** An insecure registry is tried with https first and then without, as the engine does it. */
  #address(request: RegistryRequest): Promise<URL> {
    this.#base ??= this.#findAddress(request).catch((error: unknown) => {
      this.#base = undefined;
      throw error;
    });
    return this.#base;
  }

  async #findAddress(request: RegistryRequest): Promise<URL> {
    const host = this.#registry === "docker.io" ? DOCKER_HUB_HOST : this.#registry;
    const secure = new URL(`https://${host}`);
    if (!this.#options.insecure(this.#registry)) return secure;
    const plain = new URL(`http://${host}`);
    const probe = { ...request, method: "GET" as const, body: undefined };
    try {
      await this.#exchange(withoutBody(probe), new URL("/v2/", secure), false);
      return secure;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
    }
    await this.#exchange(withoutBody(probe), new URL("/v2/", plain), false);
    return plain;
  }

  /** Requests that run side by side all find that a token has expired: it is renewed once for all of them. */
  async #renew(request: RegistryRequest, response: HttpResponse, used: string | undefined): Promise<void> {
    const key = keyOf(request);
    if (this.#authorisation.get(key) !== used) return;
    const running = this.#renewals.get(key) ?? this.#authorise(request, response);
    this.#renewals.set(key, running);
    try {
      await running;
    } finally {
      this.#renewals.delete(key);
    }
  }

  /** Answers the registry's challenge, or throws when there is nothing to answer it with. */
  async #authorise(request: RegistryRequest, response: HttpResponse): Promise<void> {
    const { auth, redactor } = this.#options;
    const credentials = await auth.credentialsFor(this.#registry);
    const challenges = parseChallenges(String(response.headers["www-authenticate"] ?? ""));
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      const token = await fetchToken({
        doing: request.doing,
        registry: this.#registry,
        parameters: bearer.parameters,
        repository: request.repository,
        access: request.access,
        ...(request.from === undefined ? {} : { from: request.from }),
        credentials,
        insecure: this.#options.insecure(this.#registry),
        send: (sent) => this.#connect(request.doing, { ...sent, ...(request.signal && { signal: request.signal }) }),
        clock: this.#options.clock,
        redactor,
      });
      redactor.add(token);
      this.#authorisation.set(keyOf(request), `Bearer ${token}`);
      return;
    }
    const basic = challenges.some(({ scheme }) => scheme === "basic");
    if (!basic || credentials === undefined || credentials.password === "")
      throw await this.#refused(request, response);
    const value = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    this.#authorisation.set(keyOf(request), `Basic ${value}`);
  }

  async #refused(request: RegistryRequest, response: HttpResponse): Promise<RegistryError> {
    const credentials: Credentials | undefined = await this.#options.auth.credentialsFor(this.#registry);
    const { status, body } = response;
    const said = Buffer.from(this.#options.redactor.redact(body.toString("utf8")));
    return unauthorised({ ...request, registry: this.#registry, credentials, status, body: said });
  }

  #error(request: RegistryRequest, got: string): RegistryError {
    return new RegistryError("REGISTRY_ERROR", { doing: request.doing, got: `${this.#registry}: ${oneLine(got)}` });
  }
}

function keyOf(request: RegistryRequest): string {
  return `${request.repository} ${request.access} ${request.from ?? ""}`;
}

function withoutBody({ body: _body, ...rest }: Omit<RegistryRequest, "body"> & { body: undefined }): RegistryRequest {
  return rest;
}
