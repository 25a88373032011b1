import type { Clock, Log } from "@belay/core";
import type { retry as RetryPlugin } from "@octokit/plugin-retry";
import type { Octokit } from "@octokit/rest";
import { isRateLimit, retryAfterSeconds } from "./explain-error.ts";
import type { GitHubLimits } from "./github.ts";

export interface OctokitSettings {
  readonly token: string;
  readonly apiUrl: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: GitHubLimits;
  readonly fetch: typeof fetch;
  /** Ends everything of one call. */
  readonly signal: AbortSignal;
  /** Milliseconds left for the call: no pause is begun that would outlast it. */
  readonly leftMs: () => number;
  /** Retries after the first try. */
  readonly retries: number;
}

type OctokitMaker = (settings: OctokitSettings) => Octokit;

/** Statuses that a second try at once would get again. Limits have pauses of their own, by the throttling plugin. */
const REFUSALS = [400, 401, 403, 404, 409, 410, 422, 429, 451];

/** Loads Octokit on first use: it is the heaviest part of a bundle, and many runs never need it. */
export async function loadOctokit(): Promise<OctokitMaker> {
  const [{ Octokit: Base }, { retry }, { throttling }] = await Promise.all([
    import("@octokit/rest"),
    import("@octokit/plugin-retry"),
    import("@octokit/plugin-throttling"),
  ]);
  const WithPlugins = Base.plugin(markLimits, refuseOnce, retry, throttling);
  return (settings) => {
    const octokit = new WithPlugins(optionsOf(settings));
    honourRetryAfter(octokit.retry, settings);
    octokit.hook.before("request", (options) => {
      // A POST whose answer was lost may have been carried out: whoever sent it looks first (see create-once.ts).
      if (options.method === "POST" && options.request.retries === undefined) options.request.retries = 0;
    });
    return octokit;
  };
}

function optionsOf(settings: OctokitSettings): ConstructorParameters<typeof Octokit>[0] {
  const { limits, log } = settings;
  const quiet = (message: string): void => log.debug(message);
  const mayWait = (seconds: number, _options: object, _octokit: unknown, count: number): boolean =>
    count < settings.retries && isShortEnough(seconds, settings);
  return {
    auth: settings.token,
    baseUrl: settings.apiUrl.replace(/\/+$/, ""),
    userAgent: "belay-deploy",
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    request: { fetch: boundedFetch(settings) },
    retry: {
      retries: settings.retries,
      retryAfterBaseValue: limits.secondMs,
      doNotRetry: REFUSALS,
    },
    throttle: {
      onRateLimit: mayWait,
      onSecondaryRateLimit: mayWait,
      retryAfterBaseValue: limits.secondMs,
      fallbackSecondaryRateRetryAfter: 60,
      ...(withoutPauses as object), // not in the plugin's types, though it takes them
    },
  };
}

/**
 * The plugin would keep writes 1 s and comments 3 s apart, for programs that write a lot. A run of ours writes a handful
 * of times, one after the other, which is what GitHub asks for ("make requests serially"). Its queue for all requests is
 * left out for the same reason (measured: 23 ms per request with it, 15 ms without, of which 2 ms are the request).
 */
const atOnce = {
  key: () => ({ schedule: <T>(_job: object, work: (...all: unknown[]) => T, ...all: unknown[]): T => work(...all) }),
};
const withoutPauses = { global: atOnce, write: atOnce, notifications: atOnce };

function isShortEnough(seconds: number, settings: OctokitSettings): boolean {
  const { retryAfterMs, secondMs } = settings.limits;
  return seconds * 1_000 <= retryAfterMs && seconds * secondMs < settings.leftMs();
}

/** The throttling plugin knows a secondary limit by its words only; a limit that just sends `Retry-After` gets them here. */
function markLimits(octokit: { readonly hook: Octokit["hook"] }): void {
  octokit.hook.error("request", (error) => {
    if (isRateLimit(error) && retryAfterSeconds(error) !== undefined && !/\bsecondary rate\b/i.test(error.message)) {
      error.message = `${error.message} (secondary rate limit)`;
    }
    throw error;
  });
}

/** The retry plugin tries a request that has retries of its own again at once, whatever the status. */
function refuseOnce(octokit: { readonly hook: Octokit["hook"] }): void {
  octokit.hook.error("request", (error) => {
    const { request, status } = error as { readonly request?: { request?: object }; readonly status?: number };
    if (request !== undefined && status !== undefined && REFUSALS.includes(status))
      request.request = { ...request.request, retries: 0 };
    throw error;
  });
}

type RetryState = ReturnType<typeof RetryPlugin>["retry"];

/** The retry plugin pauses 1, 4, 9 s whatever the answer says; a 503 with `Retry-After` is believed, up to the cap. */
function honourRetryAfter(state: RetryState, settings: OctokitSettings): void {
  const original = state.retryRequest;
  state.retryRequest = (error, retries, retryAfter) => {
    const seconds = retryAfterSeconds(error) ?? retryAfter;
    return original(error, isShortEnough(seconds, settings) ? retries : 0, seconds);
  };
}

/** `fetch` in which each single try is bounded, and which the call's own signal ends. */
function boundedFetch(settings: OctokitSettings): typeof fetch {
  const { clock, limits, signal } = settings;
  return async (input, init) => {
    const headersCame = new AbortController();
    const tooLate = new AbortController();
    void clock
      .sleep(limits.requestMs, AbortSignal.any([headersCame.signal, signal]))
      .then(() => tooLate.abort(new Error(`no answer within ${limits.requestMs} ms`)))
      .catch(() => undefined); // the pause was cut short because the answer came
    try {
      return await settings.fetch(input, { ...init, signal: AbortSignal.any([signal, tooLate.signal]) });
    } finally {
      headersCame.abort();
    }
  };
}
