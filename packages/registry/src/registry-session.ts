import { type Clock, type Log, messageOf, oneLine, type Redactor, retry } from "@belay/core";
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
  readonly access: "pull" | "push";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that are answers and no errors, beside 2xx. */
  readonly answers?: readonly number[];
  readonly signal?: AbortSignal;
}

const DEADLINE_MS = 30_000;
const MOST_REDIRECTS = 5;
/** Longest pause that a `Retry-After` may ask for. */
const LONGEST_PAUSE_MS = 60_000;
/** Docker Hub's name in references is not the host that serves it. */
const DOCKER_HUB_HOST = "registry-1.docker.io";

/** One registry: its address, the tokens we hold for it, and how its failures are told and retried. */
export class RegistrySession {
  readonly #options: SessionOptions;
  readonly #registry: string;
  readonly #authorisation = new Map<string, string>();
  #base: Promise<URL> | undefined;

  constructor(registry: string, options: SessionOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /** @throws RegistryError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORISED, REGISTRY_ERROR, after the retries. */
  request(request: RegistryRequest): Promise<HttpResponse> {
    const { clock, log, attempts, random } = this.#options;
    return retry(
      {
        attempts,
        delayMs: 500,
        maxDelayMs: LONGEST_PAUSE_MS,
        retryable: isTransient,
        retryAfterMs: (error) => (error instanceof RegistryError ? error.retryAfterMs : undefined),
        onRetry: (error, attempt, pauseMs) =>
          log.info(`${messageOf(error)} (try ${attempt} of ${attempts}, again in ${Math.round(pauseMs)} ms)`),
        clock,
        ...(random === undefined ? {} : { random }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      },
      () => this.#attempt(request),
    );
  }

  async #attempt(request: RegistryRequest): Promise<HttpResponse> {
    const url = new URL(request.path, await this.#address(request));
    let response = await this.#send(request, url);
    if (response.status === 401) {
      await this.#authorise(request, response);
      response = await this.#send(request, url);
    }
    const { status } = response;
    if ((status >= 200 && status < 300) || request.answers?.includes(status)) return response;
    if (status === 401 || status === 403) throw await this.#refused(request, response);
    const { clock, redactor } = this.#options;
    throw statusError({ doing: request.doing, registry: this.#registry, response, clock, redactor });
  }

  async #send(request: RegistryRequest, first: URL): Promise<HttpResponse> {
    let url = first;
    for (let hop = 0; ; hop++) {
      const response = await this.#exchange(request, url, hop === 0 || url.origin === first.origin);
      const location = response.headers.location;
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      if (!redirected || request.method === "POST" || request.method === "PUT") return response;
      if (hop >= MOST_REDIRECTS) throw this.#error(request, "it redirects again and again");
      const next = new URL(location, url);
      if (url.protocol === "https:" && next.protocol !== "https:")
        throw this.#error(request, "it redirects to plain http");
      url = next;
    }
  }

  /** Storage that a registry redirects to must never see the registry's token. */
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
      deadlineMs: DEADLINE_MS,
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
    return unauthorised({ ...request, registry: this.#registry, credentials, status: response.status });
  }

  #error(request: RegistryRequest, got: string): RegistryError {
    return new RegistryError("REGISTRY_ERROR", { doing: request.doing, got: `${this.#registry}: ${oneLine(got)}` });
  }
}

function keyOf(request: RegistryRequest): string {
  return `${request.repository} ${request.access}`;
}

function withoutBody({ body: _body, ...rest }: Omit<RegistryRequest, "body"> & { body: undefined }): RegistryRequest {
  return rest;
}
