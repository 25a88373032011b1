/** What goes wrong with a request. */
export type FaultKind =
  /** An answer with this status and GitHub's usual words for it. */
  | { readonly status: number; readonly message?: string; readonly retryAfterSeconds?: number }
  /** 403 with the words of a secondary limit. Default `retryAfterSeconds`: 1. */
  | { readonly secondaryLimit: true; readonly retryAfterSeconds?: number }
  /** 403 with `x-ratelimit-remaining: 0` and a reset that many seconds away. */
  | { readonly rateLimit: true; readonly resetSeconds: number }
  /** The right answer, that much later. */
  | { readonly slowMs: number }
  /** The connection is cut: before the request is carried out, or after it, so that only the answer is lost. */
  | { readonly cut: "before" | "after" }
  /** No answer ever, until the client gives up. */
  | { readonly silent: true };

export interface FaultRule {
  readonly fault: FaultKind;
  /** Which requests. Default all. */
  readonly method?: string;
  /** Matched against the path without the query. */
  readonly path?: RegExp;
  /** How many requests are hit; then it heals. Default: for ever. */
  readonly times?: number;
  /** How many matching requests pass before the first one is hit. Default 0. */
  readonly after?: number;
}

/** The faults that were asked for, in order; the first rule that matches is used. */
export class Faults {
  #rules: { readonly rule: FaultRule; left: number; skip: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY, skip: rule.after ?? 0 });
  }

  clear(): void {
    this.#rules = [];
  }

  next(method: string, path: string): FaultKind | undefined {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.method !== undefined && rule.method !== method) continue;
      if (rule.path !== undefined && !rule.path.test(path)) continue;
      if (entry.left <= 0) continue;
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.left -= 1;
      return rule.fault;
    }
    return undefined;
  }
}

/** GitHub's words for a status. */
export const STATUS_WORDS: Readonly<Record<number, string>> = {
  401: "Bad credentials",
  403: "Resource not accessible by integration",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  422: "Validation Failed",
  429: "Too many requests",
  500: "Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};
