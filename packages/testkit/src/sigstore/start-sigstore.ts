import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HandlerFn } from "@sigstore/mock";
import type { JsonObject } from "../github/json.ts";
import { type Attestation, attestAt } from "./attest-at.ts";
import { trustedRoot } from "./trusted-root.ts";

export interface SigstoreRig extends AsyncDisposable {
  /** Authority (Fulcio), log (Rekor) and GitHub's issuer of tokens, all at one address. */
  readonly url: string;
  /** Who the next token is for: `sub` of the token, and the certificate's subject. */
  identity: string;
  /** `owner/name` that the next token's job runs in. */
  repository: string;
  readonly issuer: string;
  /** Whom to trust, in Sigstore's form (TrustedRoot, JSON). */
  readonly trustedRoot: string;
  /** What a job with `id-token: write` has in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Paths that were asked for. */
  readonly requests: readonly string[];
  /** What `actions/attest-build-provenance` makes of an image, as a Sigstore bundle (JSON). */
  attest(attestation: Attestation): Promise<JsonObject>;
}

export interface SigstoreOptions {
  /**
   * `public`: with logs of certificates and of signatures. `private`: with neither, but an authority that signs the time,
   * as GitHub has it for private repositories. Default `public`.
   */
  readonly kind?: "public" | "private";
}

const REQUEST_TOKEN = "request-token-of-the-job";
const ISSUER = "https://token.actions.githubusercontent.com";

/**
 * A Sigstore on this machine that speaks the real protocol over HTTP, by the handlers that Sigstore's own libraries are
 * tested with: certificates are issued for whatever a token says (nobody checks its signature), the log has one entry.
 */
export async function startSigstore({ kind = "public" }: SigstoreOptions = {}): Promise<SigstoreRig> {
  // Only here: it is large, and every test loads this file.
  const { fulcioHandler, initializeCA, initializeCTLog, initializeTLog, initializeTSA, rekorHandler, tsaHandler } =
    await import("@sigstore/mock");
  const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ctlog = await initializeCTLog(pair());
  const authority = await initializeCA(pair(), kind === "public" ? ctlog : undefined);
  // It writes .120 s as .12, as DER wants it, and @sigstore/core reads three digits or none: one of ten was refused.
  const getCurrentTime = (): Date => new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const clock = Object.assign(await initializeTSA(pair()), { getCurrentTime });
  const requests: string[] = [];
  const handlers: { path: string; fn: HandlerFn }[] = [fulcioHandler(authority), tsaHandler(clock)];
  const rig = {
    identity: "https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    repository: "acme/shop",
  };
  const server = createServer(async (request, response) => {
    requests.push(request.url ?? "");
    if (request.url?.startsWith("/token?") === true) return giveToken(request, response, rig);
    const handler = handlers.find(({ path }) => request.url?.startsWith(path));
    const { statusCode, response: body, contentType } = (await handler?.fn(await bodyOf(request))) ?? NOTHING;
    response.writeHead(statusCode, { "Content-Type": contentType ?? "text/plain" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = await initializeTLog(url, pair());
  const rekor = rekorHandler(log);
  handlers.push({ path: rekor.path, fn: (body) => rekor.fn(canonicalEntry(body)) });
  const logs = kind === "public" ? { log: log.publicKey, ctlog } : {};
  const parts = { url, ...logs, root: authority.rootCertificate, clock };
  return Object.assign(rig, {
    url,
    issuer: ISSUER,
    requests,
    trustedRoot: trustedRoot(parts),
    attest: (attestation: Attestation) => attestAt(url, kind, tokenOf(rig, "sigstore"), attestation),
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

const NOTHING = { statusCode: 404, response: "", contentType: "text/plain" };

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

interface Job {
  readonly identity: string;
  readonly repository: string;
}

function giveToken(request: IncomingMessage, response: ServerResponse, job: Job): void {
  const audience = new URL(request.url ?? "", "http://x").searchParams.get("audience");
  if (request.headers.authorization !== `Bearer ${REQUEST_TOKEN}` || audience === null) {
    response.writeHead(401).end();
    return;
  }
  response
    .writeHead(200, { "Content-Type": "application/json" })
    .end(JSON.stringify({ value: tokenOf(job, audience) }));
}

function tokenOf({ identity, repository }: Job, aud: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: identity, iss: ISSUER, aud, repository })}.signature-of-nobody`;
}

interface ProposedEntry {
  readonly apiVersion: string;
  /** `hashedrekord` has hashes only, and is kept as it is. */
  readonly kind: "dsse" | "hashedrekord";
  readonly spec: { readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] } };
}

/** What Rekor makes of an envelope before it takes it into the log (rekor, `pkg/types/dsse`): hashes in place of content. */
function canonicalEntry(body: string): string {
  const { apiVersion, kind, spec } = JSON.parse(body) as ProposedEntry;
  if (kind === "hashedrekord") return body;
  const { envelope, verifiers } = spec.proposedContent;
  const parsed = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
  const hash = (bytes: string | Buffer) => ({
    algorithm: "sha256",
    value: createHash("sha256").update(bytes).digest("hex"),
  });
  const signatures = parsed.signatures.map(({ sig }, index) => ({ signature: sig, verifier: verifiers[index] }));
  const payloadHash = hash(Buffer.from(parsed.payload, "base64"));
  return JSON.stringify({ apiVersion, kind, spec: { envelopeHash: hash(envelope), payloadHash, signatures } });
}
