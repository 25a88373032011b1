import type { Clock, Redactor } from "@belay/core";
import type { Credentials } from "./authenticator.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { statusError, unauthorised } from "./registry-answer.ts";
import { RegistryError } from "./registry-error.ts";

export interface TokenRequest {
  readonly doing: string;
  readonly registry: string;
  /** Of the `Bearer` challenge: `realm`, `service`, `scope`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly repository: string;
  readonly access: "pull" | "push" | "delete";
  /** Another repository that is read too. */
  readonly from?: string;
  readonly credentials: Credentials | undefined;
  /** Whether plain http is right for this registry. */
  readonly insecure: boolean;
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly clock: Clock;
  readonly redactor: Redactor;
}

const DEADLINE_MS = 30_000;

/** distribution, "Token Scope Documentation". */
const ACTIONS = { pull: "pull", push: "pull,push", delete: "pull,push,delete" } as const;

/**
 * A token for one repository, from the place that the registry names (distribution, "Token authentication" and, for
 * identity tokens, "OAuth2 token authentication"). Without credentials an anonymous one is asked for.
 */
export async function fetchToken(request: TokenRequest): Promise<string> {
  const realm = realmOf(request);
  const scopes = [`repository:${request.repository}:${ACTIONS[request.access]}`];
  if (request.from !== undefined) scopes.push(`repository:${request.from}:pull`);
  const service = request.parameters.service;
  const response = await request.send({
    ...(request.credentials?.identityToken === undefined
      ? byBasic(realm, service, scopes, request.credentials)
      : byRefreshToken(realm, service, scopes, request.credentials.identityToken)),
    deadlineMs: DEADLINE_MS,
    anyCertificate: request.insecure,
  });
  if ([400, 401, 403].includes(response.status)) throw unauthorised({ ...request, status: response.status });
  if (response.status !== 200) throw statusError({ ...request, registry: realm.host, response });
  return tokenIn(request, response.body);
}

/** Credentials go where the registry says: never over plain http, unless the registry itself may be spoken to so. */
function realmOf({ doing, registry, parameters, insecure }: TokenRequest): URL {
  const realm = parameters.realm ?? "";
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && insecure)) return url;
  const got = `${registry} wants a token from ${JSON.stringify(realm)}, which is no https address`;
  throw new RegistryError("REGISTRY_ERROR", { doing, got, next: "Ask the registry's operator." });
}

type Exchange = Pick<HttpRequest, "method" | "url" | "headers" | "body">;

function byBasic(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials?: Credentials,
): Exchange {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers: Record<string, string> = { "User-Agent": "belay" };
  if (credentials !== undefined) {
    const value = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    headers.Authorization = `Basic ${value}`;
  }
  return { method: "GET", url, headers };
}

function byRefreshToken(url: URL, service: string | undefined, scopes: readonly string[], token: string): Exchange {
  // One field with all scopes in it, as OAuth2 has it (RFC 6749, 3.3), and not one field for each.
  const scope = scopes.join(" ");
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: "belay", scope, refresh_token: token });
  if (service !== undefined) form.set("service", service);
  const headers = { "User-Agent": "belay", "Content-Type": "application/x-www-form-urlencoded" };
  return { method: "POST", url, headers, body: Buffer.from(form.toString()) };
}

function tokenIn({ doing, registry }: TokenRequest, body: Buffer): string {
  let value: { token?: unknown; access_token?: unknown } | null = null;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const token = value?.token ?? value?.access_token;
  if (typeof token === "string" && token !== "") return token;
  throw new RegistryError("REGISTRY_ERROR", { doing, got: `the token service of ${registry} sent no token` });
}
