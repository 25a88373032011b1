import { maskQuotation, STARS } from "./mask-step.ts";

/** What is read of a secret or a misconfiguration in Trivy's JSON; the rest goes on as it is. */
export interface Found {
  readonly Match?: unknown;
  readonly Message?: unknown;
  readonly Code?: unknown;
  readonly CauseMetadata?: unknown;
}

/**
 * A misconfiguration without the lines that Trivy copied of where it is: they may hold what Trivy does not know for a secret, and
 * the report goes where the image goes. `commands`: what its message quotes goes too ({@link maskQuotation}).
 */
export function maskMisconfiguration({ CauseMetadata: cause, ...one }: Found, commands: boolean): Found {
  return {
    ...one,
    ...(typeof one.Message === "string" ? { Message: maskQuotation(one.Message, commands) } : {}),
    ...(cause === undefined ? {} : { CauseMetadata: withoutLines(cause) }),
  };
}

/** A secret without the lines around it; `line`: its own has more in it than that, and what stays is what it is called there. */
export function maskSecret({ Code: _lines, ...one }: Found, line: boolean): Found {
  return { ...one, ...(line && one.Match !== undefined ? { Match: namesIn(String(one.Match)) } : {}) };
}

function withoutLines(cause: unknown): unknown {
  if (!isRecord(cause)) return cause;
  const { Code: _lines, RenderedCause: _rendered, ...rest } = cause;
  return rest;
}

/**
 * The names of what Trivy masked in a line: `GITHUB_TOKEN=****`. What stands before a colon without a blank after it is no name:
 * in an address it is whose password that is.
 */
function namesIn(line: string): string {
  const named = line.matchAll(/\b([A-Za-z_][\w.-]{0,80})(?:\s?=\s?|:\s)["']?\*{3}/g);
  return [...new Set([...named].map(([, name]) => `${name}=${STARS}`))].join(" ") || STARS;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
