import { messageOf, oneLine } from "@belay/core";
import { at, numberAt, textAt } from "./json-path.ts";
import type { Deferred } from "./reported.ts";

/** What a call does and needs, for its explanation when it fails. */
export interface CallFacts {
  /** `commenting on pull request 7`. */
  readonly doing: string;
  /** Permission of the job's token as a workflow writes it: `pull-requests: write`. */
  readonly permission: string;
  /** Of the warning when it fails. Default: that something was not read or, by the permission, not reported. */
  readonly title?: string;
}

export interface ExplainContext {
  readonly repository: string;
  /** The run is for a fork's pull request. */
  readonly fork: boolean;
}

/** The HTTP status of an answer that GitHub gave; `undefined` when no answer came at all. */
export function answeredStatus(error: unknown): number | undefined {
  return at(error, "response") === undefined ? undefined : numberAt(error, "status");
}

/** True when the request may or may not have been carried out: nobody answered, or a 5xx came. */
export function isAmbiguous(error: unknown): boolean {
  if (error instanceof Error && error.name === "AbortError") return false;
  if (at(error, "request") === undefined) return false;
  const status = answeredStatus(error);
  return status === undefined || status >= 500;
}

/** True for the signs of a primary or secondary limit (REST docs: "Rate limits for the REST API"). */
export function isRateLimit(error: unknown): boolean {
  const status = answeredStatus(error);
  if (status === 429) return true;
  if (status !== 403) return false;
  const limited = textAt(error, "response.headers.x-ratelimit-remaining") === "0";
  return limited || retryAfterSeconds(error) !== undefined || /rate limit/i.test(messageOf(error));
}

/** `Retry-After` in seconds, when GitHub sent one. */
export function retryAfterSeconds(error: unknown): number | undefined {
  const value = at(error, "response.headers.retry-after");
  const seconds = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/** One or two sentences: what was being done, what came back, what to do next. */
export function explainError(error: unknown, call: CallFacts, context: ExplainContext): Deferred {
  const doing = call.doing.charAt(0).toUpperCase() + call.doing.slice(1);
  const status = answeredStatus(error);
  if (status === undefined) return explainSilence(error, doing);
  const said = `${doing}: GitHub answered ${status} (${saidBy(error)})`;
  const permission = `\`permissions: ${call.permission}\``;
  if (isRateLimit(error)) {
    return {
      reason: "rate_limited",
      message: `${said}; the limit lasts longer than Belay waits. Run \`belay report\` later.`,
    };
  }
  if (status === 401) {
    return {
      reason: "unauthorised",
      message: `${said}. The token is wrong, expired or revoked: give a valid \`github-token\`.`,
    };
  }
  if (status === 403 && context.fork) {
    const why = "This run is for a fork's pull request, whose token can only read";
    return {
      reason: "read_only",
      message: `${said}. ${why}: report from a \`workflow_run\` workflow with ${permission}.`,
    };
  }
  // A locked conversation, an archived repository and one without Advanced Security are 403 too; no permission helps there.
  if (status === 403 && !/\b(locked|archived|advanced security)\b/i.test(messageOf(error)))
    return { reason: "forbidden", message: `${said}. Give the job ${permission}.` };
  if (status === 404) {
    const next = `It is not there, or the token may not see it: check \`${context.repository}\` and give the job ${permission}.`;
    return { reason: "not_found", message: `${said}. ${next}` };
  }
  if (status >= 500) {
    return {
      reason: "unavailable",
      message: `${said}, after all retries. Run \`belay report\` when GitHub is well again.`,
    };
  }
  return { reason: "rejected", message: `${said}. What Belay sent does not suit the repository: see the answer.` };
}

function explainSilence(error: unknown, doing: string): Deferred {
  if (error instanceof Error && error.name === "AbortError") {
    return { reason: "too_slow", message: `${doing}: GitHub was too slow, the time for it is used up.` };
  }
  const what = oneLine(rootCause(error), 200);
  if (at(error, "request") === undefined) {
    return {
      reason: "internal",
      message: `${doing}: ${what}. This is a defect in Belay: please report it with the log.`,
    };
  }
  return {
    reason: "unreachable",
    message: `${doing}: no answer came from GitHub (${what}). Check the network and \`GITHUB_API_URL\`.`,
  };
}

/** `fetch failed` says nothing; the innermost cause does (`connect ECONNREFUSED 127.0.0.1:1`). */
function rootCause(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const code = textAt(inner, "code");
  const message = messageOf(inner);
  return code === undefined || message.includes(code) ? message : `${message} ${code}`;
}

/** GitHub's `message`, with the first of its `errors` where there are some. */
function saidBy(error: unknown): string {
  const message = textAt(error, "response.data.message") ?? "no message";
  const errors = at(error, "response.data.errors");
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const detail = typeof first === "string" ? first : (textAt(first, "message") ?? textAt(first, "code"));
  return oneLine(detail === undefined ? message : `${message}: ${detail}`, 300);
}
