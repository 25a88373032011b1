import { type Clock, retry } from "@belay/core";
import type { Octokit } from "@octokit/rest";
import { type CallFacts, explainError, isAmbiguous } from "./explain-error.ts";
import type { GitHubLimits, GitHubOptions } from "./github.ts";
import { loadOctokit } from "./octokit.ts";
import { type DeferReason, type Deferred, deferred, done, type Reported } from "./reported.ts";

const DEFAULT_LIMITS: GitHubLimits = {
  requestMs: 10_000,
  callMs: 30_000,
  budgetMs: 90_000,
  retryAfterMs: 15_000,
  retries: 2,
  secondMs: 1_000,
};

/** What one call works with. */
export interface Api {
  readonly octokit: Octokit;
  /** Owner and name, as every operation wants them. */
  readonly repo: { readonly owner: string; readonly repo: string };
  /**
   * Creates what must not be there twice. When the answer was lost or was a 5xx, `find` looks for it before the next try.
   */
  createOnce<T>(find: () => Promise<T | undefined>, create: () => Promise<T>): Promise<T>;
  /** Takes secrets out of text that is about to be sent. */
  redact(text: string): string;
  /** Retries after the first try, for requests that may be repeated. */
  readonly retries: number;
}

/** After these a further call most likely ends the same way, so it is tried once only. */
const DOWN: readonly DeferReason[] = ["unreachable", "unavailable", "too_slow"];

/** Runs calls to GitHub within their time, and turns whatever is thrown into a {@link Deferred}. */
export class Client {
  readonly #options: GitHubOptions;
  readonly #limits: GitHubLimits;
  #maker: ReturnType<typeof loadOctokit> | undefined;
  #spentMs = 0;
  #down = false;

  constructor(options: GitHubOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  async run<T>(call: CallFacts, work: (api: Api) => Promise<T>): Promise<Reported<T>> {
    const { clock, token } = this.#options;
    if (token === "")
      return this.#defer(call, {
        reason: "no_token",
        message: `${call.doing}: no token was given (\`github-token\`).`,
      });
    const allowedMs = Math.min(this.#limits.callMs, this.#limits.budgetMs - this.#spentMs);
    if (allowedMs <= 0) {
      return this.#defer(call, {
        reason: "too_slow",
        message: `${call.doing}: the time for GitHub in this run is used up.`,
      });
    }
    const startedAt = clock.now();
    try {
      const value = await this.#within(allowedMs, startedAt, work);
      this.#down = false;
      return done(value);
    } catch (error) {
      if (this.#options.signal?.aborted) {
        return this.#defer(call, { reason: "cancelled", message: `${call.doing}: the run was cancelled.` });
      }
      return this.#defer(call, explainError(error, call, this.#context()));
    } finally {
      this.#spentMs += clock.now() - startedAt;
    }
  }

  async #within<T>(allowedMs: number, startedAt: number, work: (api: Api) => Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    const cancelled = signal === undefined ? [] : [signal];
    const ended = new AbortController();
    const finished = new AbortController();
    const deadline = clock.sleep(allowedMs, AbortSignal.any([finished.signal, ...cancelled])).then(() => {
      ended.abort();
      throw new DOMException("the time is used up", "AbortError");
    });
    deadline.catch(() => undefined); // it may be cut short before anybody waits for it, and is when the work ended first
    try {
      const api = await this.#api(
        AbortSignal.any([ended.signal, ...cancelled]),
        () => allowedMs - (clock.now() - startedAt),
      );
      return await Promise.race([work(api), deadline]);
    } finally {
      finished.abort();
    }
  }

  async #api(signal: AbortSignal, leftMs: () => number): Promise<Api> {
    const { token, apiUrl, log, clock, repository, redactor } = this.#options;
    this.#maker ??= loadOctokit();
    const maker = await this.#maker;
    const retries = this.#down ? 0 : this.#limits.retries;
    const boundFetch: typeof fetch = this.#options.fetch ?? globalThis.fetch;
    const octokit = maker({
      token,
      apiUrl,
      log,
      clock,
      limits: this.#limits,
      fetch: boundFetch,
      signal,
      leftMs,
      retries,
    });
    const [owner = "", repo = ""] = repository.split("/");
    return {
      octokit,
      repo: { owner, repo },
      createOnce: (find, create) =>
        createOnce({ retries, secondMs: this.#limits.secondMs, clock, signal }, find, create),
      redact: (text) => redactor.redact(text),
      retries,
    };
  }

  #context(): { repository: string; fork: boolean } {
    return { repository: this.#options.repository, fork: this.#options.event?.fork ?? false };
  }

  #defer(call: CallFacts, reason: Deferred): ReturnType<typeof deferred> {
    const { redactor, log } = this.#options;
    this.#down ||= DOWN.includes(reason.reason);
    const message = redactor.redact(reason.message);
    log.warn(message, { title: titleOf(call) });
    return deferred(reason.reason, message);
  }
}

function titleOf({ title, permission }: CallFacts): string {
  return title ?? (permission.endsWith(": read") ? "Not read from GitHub" : "Not reported to GitHub");
}

interface CreatePolicy {
  readonly retries: number;
  readonly secondMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

function createOnce<T>(policy: CreatePolicy, find: () => Promise<T | undefined>, create: () => Promise<T>): Promise<T> {
  const { retries, secondMs, clock, signal } = policy;
  const rules = { attempts: retries + 1, delayMs: secondMs, retryable: isAmbiguous, clock, signal };
  return retry(rules, async (attempt) => (attempt === 1 ? undefined : await find()) ?? (await create()));
}
