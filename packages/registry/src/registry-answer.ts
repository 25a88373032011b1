import { type Clock, formatDuration, messageOf, oneLine, type Redactor } from "@belay/core";
import type { Credentials } from "./authenticator.ts";
import type { HttpResponse } from "./http.ts";
import { knownRefusal } from "./known-refusal.ts";
import { RegistryError } from "./registry-error.ts";

/** Failures of a name, a certificate or a protocol: the same request will not do better in a second. */
const LASTING = /^(ENOTFOUND|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|HPE_|EPROTO|ERR_INVALID)/;
const CERTIFICATE = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS)/;

/** No answer at all, or one that is not read to its end because it is too large. */
export function connectionError(doing: string, registry: string, error: unknown): RegistryError {
  const code = String((error as NodeJS.ErrnoException).code ?? "");
  const words = oneLine(messageOf(error) === "" ? code : messageOf(error));
  if (code === "E2BIG") return new RegistryError("REGISTRY_ERROR", { doing, got: `${registry}: ${words}` });
  const next = CERTIFICATE.test(code)
    ? "Give this machine the authority that signed its certificate (NODE_EXTRA_CA_CERTS), or list the registry as insecure with the engine."
    : "Check the registry's name and whether it runs and can be reached from this machine.";
  return new RegistryError(
    "REGISTRY_UNREACHABLE",
    { doing, got: `${registry} did not answer (${words})`, next, cause: error },
    { transient: !LASTING.test(code) },
  );
}

export interface ErrorAnswer {
  readonly doing: string;
  /** Who answered. */
  readonly registry: string;
  readonly response: HttpResponse;
  readonly clock: Clock;
  readonly redactor: Redactor;
}

/** An answer that is an error, other than 401 and 403. What was said is shown, without any secret it may echo. */
export function statusError({ doing, registry, response, clock, redactor }: ErrorAnswer): RegistryError {
  const { status } = response;
  const said = redactor.redact(errorsIn(response.body));
  const known = knownRefusal(status, wordsIn(response.body));
  const transient = status === 408 || status === 429 || status >= 500;
  const asked = transient ? retryAfterMs(response, clock) : undefined;
  const got = `${registry} answered ${status}${said === "" ? "" : `: ${said}`}`;
  const next = known?.next ?? nextAfter(status, asked);
  const parts = next === undefined ? { doing, got } : { doing, got, next };
  return new RegistryError(known?.code ?? "REGISTRY_ERROR", parts, { status, transient, retryAfterMs: asked });
}

/** What to do about an answer of this status. `askedMs`: the pause that the registry asked for. */
export function nextAfter(status: number, askedMs: number | undefined): string | undefined {
  if (status === 429) {
    const when = askedMs === undefined ? "" : ` It may be asked again in ${formatDuration(askedMs)}.`;
    return `The registry limits how often it may be asked: log in, or wait.${when}`;
  }
  if (status === 413) return "A proxy before the registry limits the size of a request: raise its limit.";
  return status === 408 || status >= 500 ? "The registry has a problem of its own: try again later." : undefined;
}

export interface Refusal {
  readonly doing: string;
  readonly registry: string;
  readonly access: "pull" | "push" | "delete";
  readonly repository: string;
  readonly credentials: Credentials | undefined;
  readonly status: number;
  /** What was said with it. */
  readonly body?: Buffer;
}

/** 401 or 403, told so that the user knows which of the two things is missing: a login, or a permission. */
export function unauthorised(refusal: Refusal): RegistryError {
  const { registry, credentials, access, status, doing, body = Buffer.of() } = refusal;
  const known = knownRefusal(status, wordsIn(body));
  if (known !== undefined) {
    const got = `${registry} answered ${status}: ${errorsIn(body)}`;
    return new RegistryError(known.code, { doing, got, next: known.next }, { status });
  }
  const verb = { pull: "read", push: "write to", delete: "delete from" }[access];
  const who =
    credentials === undefined ? "nobody is logged in" : `as \`${credentials.username}\` of ${credentials.from}`;
  const got = `${registry} answered ${status}: no permission to ${verb} ${refusal.repository} (${who})`;
  return new RegistryError("REGISTRY_UNAUTHORISED", { doing, got, next: remedy(refusal) }, { status });
}

function remedy({ registry, credentials, access }: Refusal): string {
  const scope = access === "pull" ? "read" : "write";
  if (registry === "ghcr.io") {
    return `Give the job \`permissions: packages: ${scope}\` and the package access for this repository, or log in with docker/login-action.`;
  }
  return credentials === undefined
    ? `Log in first: \`docker login ${registry}\`, or docker/login-action in a step before.`
    : `Give this user the permission to ${scope}, or log in as another one; a name with a mistake looks the same.`;
}

/** Distribution spec, "Error codes": `{"errors": [{"code", "message"}]}`. Anything else is shown as its first line. */
function errorsIn(body: Buffer): string {
  const text = body.toString("utf8").trim();
  try {
    const value = JSON.parse(text) as { errors?: readonly { code?: unknown; message?: unknown }[] } | null;
    const all = (value?.errors ?? []).map((one) => [one.code, one.message].filter(Boolean).join(" "));
    if (all.length > 0) return oneLine(all.join("; "), 300);
  } catch (error) {
    // A proxy in between answers in HTML or plain text.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return text.startsWith("<") ? "" : oneLine(text, 300);
}

/** Enough of a body to look for words in; details too, which are not shown. */
function wordsIn(body: Buffer): string {
  return body.toString("utf8", 0, 4_096);
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(response: HttpResponse, clock: Clock): number | undefined {
  const value = response.headers["retry-after"];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.date().getTime());
}
