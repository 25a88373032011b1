import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ensureTools } from "./ensure-tools.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface TokenUser {
  /** Known by this password, or by a refresh token (an identity token in docker's words). */
  readonly password?: string;
  readonly refreshToken?: string;
  /** Repositories that it may write to; default all. */
  readonly push?: RegExp;
  /** Repositories that it may read; default all. */
  readonly pull?: RegExp;
}

export interface TokenOptions {
  readonly users: Readonly<Record<string, TokenUser>>;
  /** Repositories that anybody may read; default none. */
  readonly public?: RegExp;
  /** Path of the service, with a query where it has one. Default `/token`. */
  readonly path?: string;
}

export interface IssuedToken {
  /** `undefined`: nobody in particular. */
  readonly user: string | undefined;
  readonly method: "GET" | "POST";
  readonly scopes: readonly string[];
  /** Milliseconds since 1970 after which the registry takes it no more. */
  readonly expiresAt: number;
}

/** The token service of a registry: distribution's "Token authentication" and "OAuth2 token authentication". */
export interface TokenRig extends AsyncDisposable {
  /** Lines for the configuration of a registry that takes tokens of this service, and only those. */
  readonly configuration: readonly string[];
  readonly issued: readonly IssuedToken[];
  /** How long the next token is good; those after it have five minutes again. */
  nextLives(milliseconds: number): void;
  stop(): Promise<void>;
}

const SERVICE = "belay test registry";
const ISSUER = "belay-test-tokens";
/** What distribution grants to clocks that differ (registry/auth/token, `Leeway`). */
const LEEWAY_MS = 60_000;
const LIVES_MS = 5 * 60_000;

/** Starts one on loopback. Tokens are JSON web tokens, signed with a key of its own that the registry is told of. */
export async function startTokens(options: TokenOptions): Promise<TokenRig> {
  const { openssl } = await ensureTools(["openssl"]);
  const folder = await temporaryFolder("belay-tokens");
  const [key, certificate] = [join(folder.path, "key.pem"), join(folder.path, "certificate.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const files = ["-keyout", key, "-out", certificate, "-subj", "/CN=belay-test", "-days", "2"];
  await run(openssl, ["req", "-x509", ...curve, ...files], { doing: "making a key for tokens" });
  const service = new TokenService(options, await readFile(key, "utf8"), await readFile(certificate, "utf8"));
  const server = createServer((request, response) => {
    service.answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // By a name: go-containerregistry, and so Trivy, asks no address of loopback or of a private network but the registry's own.
  const realm = `http://localhost:${(server.address() as AddressInfo).port}${options.path ?? "/token"}`;
  const settings = { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate };
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await folder.remove();
  };
  return {
    configuration: [`auth: { token: ${JSON.stringify(settings)} }`],
    issued: service.issued,
    nextLives: (milliseconds) => {
      service.nextLivesMs = milliseconds;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Asked {
  readonly user: string | undefined;
  /** Whether the user is known, or nobody said who it is. */
  readonly known: boolean;
  readonly scopes: readonly string[];
}

class TokenService {
  readonly issued: IssuedToken[] = [];
  nextLivesMs = LIVES_MS;
  readonly #options: TokenOptions;
  readonly #key: string;
  readonly #chain: string;

  constructor(options: TokenOptions, key: string, certificate: string) {
    this.#options = options;
    this.#key = key;
    this.#chain = new X509Certificate(certificate).raw.toString("base64");
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://tokens");
    const asked = request.method === "POST" ? await this.#byForm(request) : this.#byBasic(request, url);
    const json = { "Content-Type": "application/json" };
    if (asked === undefined || !asked.known) {
      response.writeHead(401, json).end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}');
      return;
    }
    const now = Date.now();
    const lives = this.nextLivesMs;
    this.nextLivesMs = LIVES_MS;
    const { user, scopes } = asked;
    const method = request.method === "POST" ? "POST" : "GET";
    this.issued.push({ user, method, scopes, expiresAt: now + lives });
    const token = this.#sign(user, this.#grant(user, scopes), now, lives);
    // Two names for one thing: the older protocol's and OAuth2's.
    const body = method === "POST" ? { access_token: token } : { token };
    response.writeHead(200, json).end(JSON.stringify({ ...body, expires_in: Math.ceil(lives / 1_000) }));
  }

  #byBasic(request: IncomingMessage, url: URL): Asked | undefined {
    if (url.searchParams.get("service") !== SERVICE) return undefined;
    const scopes = url.searchParams.getAll("scope");
    const { authorization } = request.headers;
    if (authorization === undefined) return { user: undefined, known: true, scopes };
    const text = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString("utf8");
    const user = text.slice(0, text.indexOf(":"));
    const { password } = this.#options.users[user] ?? {};
    return { user, known: password !== undefined && password === text.slice(text.indexOf(":") + 1), scopes };
  }

  async #byForm(request: IncomingMessage): Promise<Asked | undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (form.get("service") !== SERVICE || form.get("grant_type") !== "refresh_token" || !form.get("client_id")) {
      return undefined;
    }
    const given = form.get("refresh_token");
    const user = Object.entries(this.#options.users).find(([, { refreshToken }]) => refreshToken === given)?.[0];
    return { user, known: user !== undefined && given !== null, scopes: (form.get("scope") ?? "").split(" ") };
  }

  /** What of it the user may have; the rest is left out without a word, as such services do. */
  #grant(user: string | undefined, scopes: readonly string[]): unknown[] {
    const rights = user === undefined ? undefined : this.#options.users[user];
    return scopes.flatMap((scope) => {
      const [type = "", ...rest] = scope.split(":");
      const [actions = "", name = ""] = [rest.at(-1), rest.slice(0, -1).join(":")];
      const may = (action: string): boolean => {
        if (action === "pull" && this.#options.public?.test(name)) return true;
        if (rights === undefined) return false;
        return ((action === "pull" ? rights.pull : rights.push) ?? /^/).test(name);
      };
      return [{ type, name, actions: actions.split(",").filter(may) }];
    });
  }

  #sign(user: string | undefined, access: unknown[], now: number, lives: number): string {
    const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);
    const header = { typ: "JWT", alg: "ES256", x5c: [this.#chain] };
    const claims = {
      iss: ISSUER,
      sub: user ?? "",
      aud: SERVICE,
      jti: randomUUID(),
      iat: seconds(now),
      nbf: seconds(now - LEEWAY_MS),
      exp: seconds(now + lives - LEEWAY_MS),
      access,
    };
    const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const key = createPrivateKey(this.#key);
    const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  }
}
