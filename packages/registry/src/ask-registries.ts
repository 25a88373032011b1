import { BelayError, type Clock, type ImageReference, type Log, parseReference, type Redactor } from "@belay/core";
import type { Authenticator } from "./authenticator.ts";
import type { Http } from "./http.ts";
import type { InsecureRegistries } from "./insecure-registries.ts";
import { type RegistryRequest, type RegistryResponse, RegistrySession } from "./registry-session.ts";

/** Asks the registry of a repository. Paths below the repository begin with a slash; others are absolute addresses. */
export type Ask = (
  repository: string,
  request: Omit<RegistryRequest, "repository" | "access"> & { readonly access?: RegistryRequest["access"] },
) => Promise<RegistryResponse>;

export interface AskOptions {
  readonly auth: Authenticator;
  readonly redactor: Redactor;
  readonly log: Log;
  readonly clock: Clock;
  readonly insecure: InsecureRegistries;
  /** Default for every call. */
  readonly signal?: AbortSignal;
  /** Tries of each request, the first included. Default 5. */
  readonly attempts?: number;
  /** How long a request may be put off by `Retry-After`, all its tries together. Default ten minutes. */
  readonly patienceMs?: number;
  /** 0 to 1, spreads the pauses. Default `Math.random`. */
  readonly random?: () => number;
}

/** One session per registry, made when it is first asked. */
export function askRegistries(options: AskOptions, http: Http): Ask {
  const sessions = new Map<string, RegistrySession>();
  return (repository, request) => {
    const { registry, path } = referenceOf(repository);
    const session =
      sessions.get(registry) ?? new RegistrySession(registry, { ...options, http, attempts: options.attempts ?? 5 });
    sessions.set(registry, session);
    return session.request({
      access: "pull",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...request,
      path: request.path.startsWith("/") ? `/v2/${path}${request.path}` : request.path,
      repository: path,
    });
  };
}

/** @throws BelayError INVALID_INPUT */
export function referenceOf(text: string): ImageReference {
  const reference = parseReference(text);
  if (reference !== undefined) return reference;
  const next = "Write registry/path/name:tag or registry/path/name@sha256:….";
  throw new BelayError("INVALID_INPUT", { doing: "reading the name of an image", got: JSON.stringify(text), next });
}
