/** What an engine that pushes says of a failure. It hands over neither the registry's status nor its headers, only words. */
export interface EngineWords {
  /** `limited`: too many requests. `passing`: the same push may do better in a moment. `refused`: no permission. */
  readonly kind: "limited" | "passing" | "refused" | "lasting";
  /** The registry's HTTP status, where the words name it. */
  readonly status: number | undefined;
  /** The pause that the registry asked for, where the words name it. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Where a status stands, and no other number of a message (a size, a tag, a port) does:
 * - moby, classic store (docker/distribution, `registry/client/errors.go`): `received unexpected HTTP status: 502 Bad
 *   Gateway`, `error parsing HTTP 429 response body: …`
 * - containerd's store (containerd, `core/remotes`): `unexpected status: 502 Bad Gateway` up to 1.6, since then
 *   `unexpected status from PUT request to https://…: 502 Bad Gateway`, and `unexpected status code https://…: 502 …`
 */
const STATUS =
  /\b(?:unexpected (?:HTTP )?status(?: code)?(?: from [A-Z]+ request to)?(?: \S+)?: |error parsing HTTP )(\d{3})\b/i;
/** Error code of the distribution spec, which moby gives in place of the status (`toomanyrequests: …`), and its message. */
const LIMITED = /\btoo ?many ?requests\b/i;
/**
 * Failures that pass and have no status of the registry: of the connection, of the engine's own deadline, of a proxy's
 * words, and an answer without any words (see `engineErrorOf`), which is one of a proxy before the engine.
 */
const PASSING =
  /^HTTP status (?:408|429|5\d\d) without a message$|timeout|timed out|deadline exceeded|connection (?:reset|refused)|broken pipe|unexpected EOF|\bEOF$|temporarily|service unavailable|bad gateway|internal server error/i;
/** An upload that the registry has dropped (distribution spec, "Error codes") is begun anew, whatever its status. */
const UPLOAD_LOST = /blob upload (?:unknown|invalid)/i;
const REFUSED = /denied|unauthori[sz]ed|authentication required|no basic auth|forbidden|insufficient_scope/i;

/** `now`: for a pause that is told as a date. */
export function engineWords(message: string, now: Date): EngineWords {
  const told = STATUS.exec(message)?.[1];
  const status = told === undefined ? (LIMITED.test(message) ? 429 : undefined) : Number(told);
  return { kind: kindOf(message, status), status, retryAfterMs: retryAfterIn(message, now) };
}

function kindOf(message: string, status: number | undefined): EngineWords["kind"] {
  if (status === 429) return "limited";
  // Its path may have any word in it.
  if (status !== undefined && (status === 408 || status >= 500)) return "passing";
  if (REFUSED.test(message)) return "refused";
  const passes = status === undefined && PASSING.test(message);
  return passes || UPLOAD_LOST.test(message) ? "passing" : "lasting";
}

/** Milliseconds of each unit of Go's durations. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ h: 3_600_000, m: 60_000, s: 1_000, ms: 1 },
  ...{ us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 },
};

/**
 * Newer containerd adds the header as a date (`(Retry-After: 2026-01-01T00:00:30Z)`); GHCR puts it into its message, as a
 * duration of Go (`retry-after: 1m2.5s, allowed: 44000/minute`); seconds are the header's own form.
 */
function retryAfterIn(message: string, now: Date): number | undefined {
  const told = /\bretry-after: ?([^\s,;)"]+)/i.exec(message)?.[1] ?? "";
  if (/^\d+$/.test(told)) return Number(told) * 1_000;
  if (/^(?:\d+(?:\.\d+)?(?:h|ms?|[uµμn]?s))+$/.test(told)) {
    const parts = told.matchAll(/([\d.]+)([a-zµμ]+)/g);
    return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
  }
  const date = /^\d{4}-/.test(told) ? Date.parse(told) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
