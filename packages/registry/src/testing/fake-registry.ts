import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Digest, sha256 } from "@belay/core";
import { MEDIA_TYPES } from "../manifest.ts";
import { FakeUploads } from "./fake-uploads.ts";

/** What a fault does to the requests that it matches. */
export interface Fault {
  /** Matched against `GET /v2/shop/manifests/v1`. */
  readonly when: RegExp;
  /** How many requests; default all. */
  readonly times?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Cuts the connection in place of an answer. */
  readonly cut?: boolean;
  /** Cuts the connection once so many bytes of the request's body have come. */
  readonly cutAfter?: number;
}

export interface FakeRegistryOptions {
  readonly auth?: "none" | "basic" | "token";
  readonly user?: string;
  readonly password?: string;
  readonly identityToken?: string;
  /** Whether it has the referrers API. Default false. */
  readonly referrers?: boolean;
}

/** A registry in memory that speaks the distribution protocol over real HTTP, with faults on demand. */
export interface FakeRegistry extends AsyncDisposable {
  readonly address: string;
  /** `GET /v2/shop/manifests/v1`, in the order in which they came. Token requests and probes of `/v2/` too. */
  readonly requests: string[];
  /** `Authorization` of each request. */
  readonly authorisations: (string | undefined)[];
  readonly manifests: Map<string, { mediaType: string; bytes: Buffer }>;
  readonly blobs: Map<string, Buffer>;
  readonly uploads: FakeUploads;
  fault(fault: Fault): void;
  /** Called after each manifest that was written. */
  onPut: ((reference: string) => void) | undefined;
  /** Puts an image of one platform under a tag: the digests of its manifest and config. */
  addImage(repository: string, tag: string, content: string, os?: string): { manifest: Digest; config: Digest };
  /** Puts an index of images, and an attestation as BuildKit writes it, under a tag. */
  addIndex(repository: string, tag: string, platforms: readonly string[]): Digest;
}

interface State {
  readonly options: FakeRegistryOptions;
  readonly registry: FakeRegistry;
  readonly faults: { fault: Fault; left: number }[];
}

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const faults: State["faults"] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      cutBody({ options, registry, faults }, request, Buffer.concat(chunks));
    });
    request.on("end", () => handle({ options, registry, faults }, request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const blobs = new Map<string, Buffer>();
  const registry: FakeRegistry = {
    address,
    requests: [],
    authorisations: [],
    manifests: new Map(),
    blobs,
    uploads: new FakeUploads(blobs),
    onPut: undefined,
    fault: (fault) => {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    addImage: (repository, tag, content, os = "linux") => addImage(registry, repository, tag, content, os),
    addIndex: (repository, tag, platforms) => addIndex(registry, repository, tag, platforms),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}

function cutBody(state: State, request: IncomingMessage, came: Buffer): void {
  const line = `${request.method} ${request.url}`;
  const active = state.faults.find(
    ({ fault, left }) => left > 0 && fault.cutAfter !== undefined && fault.when.test(line),
  );
  if (active === undefined || came.length < (active.fault.cutAfter ?? 0) || request.destroyed) return;
  active.left--;
  state.registry.requests.push(`${line} (cut)`);
  state.registry.uploads.keep(
    new URL(request.url ?? "/", "http://x").pathname,
    came.subarray(0, active.fault.cutAfter),
  );
  request.socket.destroy();
}

function handle(state: State, request: IncomingMessage, response: ServerResponse, body: Buffer): ServerResponse {
  const { registry } = state;
  const line = `${request.method} ${request.url}`;
  registry.requests.push(line);
  registry.authorisations.push(request.headers.authorization);
  const active = state.faults.find(
    ({ fault, left }) => left > 0 && fault.cutAfter === undefined && fault.when.test(line),
  );
  if (active !== undefined) {
    active.left--;
    if (active.fault.cut) {
      request.socket.destroy();
      return response;
    }
    return response.writeHead(active.fault.status ?? 200, active.fault.headers).end(active.fault.body);
  }
  const url = new URL(request.url ?? "/", `http://${registry.address}`);
  if (url.pathname === "/token") return token(state, request, response, url, body);
  if (!authorised(state, request)) return challenge(state, response, url);
  return serve(state, request, response, url, body);
}

function token(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: Buffer,
): ServerResponse {
  const { user, password, identityToken } = state.options;
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const form = new URLSearchParams(body.toString());
  const known =
    identityToken === undefined ? request.headers.authorization === basic : form.get("refresh_token") === identityToken;
  const scope = url.searchParams.get("scope") ?? form.get("scope") ?? "";
  if (!known && user !== undefined) return response.writeHead(401).end("{}");
  return response
    .writeHead(200, { "Content-Type": "application/json" })
    .end(JSON.stringify({ token: tokenFor(scope) }));
}

function tokenFor(scope: string): string {
  return createHash("sha256").update(`token of ${scope}`).digest("hex");
}

function authorised({ options }: State, request: IncomingMessage): boolean {
  const got = request.headers.authorization;
  if (options.auth === "basic") {
    return got === `Basic ${Buffer.from(`${options.user}:${options.password}`).toString("base64")}`;
  }
  if (options.auth !== "token") return true;
  const repository = /^\/v2\/(.+?)\/(?:manifests|blobs|referrers)\//.exec(request.url ?? "")?.[1] ?? "";
  const write = request.method !== "GET" && request.method !== "HEAD";
  const scopes = write ? ["pull,push"] : ["pull", "pull,push"];
  return scopes.some((actions) => got === `Bearer ${tokenFor(`repository:${repository}:${actions}`)}`);
}

function challenge({ options, registry }: State, response: ServerResponse, url: URL): ServerResponse {
  const scope = `repository:${url.pathname.split("/")[2] ?? ""}:pull,push`;
  const bearer = `Bearer realm="http://${registry.address}/token",service="fake, and \\"quoted\\"",scope="${scope}"`;
  response.writeHead(401, { "WWW-Authenticate": options.auth === "basic" ? 'Basic realm="fake"' : bearer });
  return response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
}

const PATH = /^\/v2\/(?<name>.+)\/(?<kind>manifests|blobs|referrers)\/(?<reference>.*)$/;

function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: Buffer,
): ServerResponse {
  if (url.pathname === "/v2/") return response.writeHead(200).end("{}");
  const listed = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname)?.[1];
  if (listed !== undefined) return tags(state.registry, response, listed);
  const { name = "", kind = "", reference = "" } = PATH.exec(url.pathname)?.groups ?? {};
  const key = `${name}/${reference}`;
  if (kind === "referrers" && state.options.referrers) return referrers(state.registry, response, name, reference);
  if (kind === "manifests" && request.method === "PUT")
    return putManifest(state, request, response, name, reference, body);
  if (kind === "manifests") {
    const found = state.registry.manifests.get(key);
    if (found === undefined) return notFound(response, "MANIFEST_UNKNOWN");
    const headers = { "Content-Type": found.mediaType, "Docker-Content-Digest": sha256(found.bytes) };
    return response.writeHead(200, headers).end(found.bytes);
  }
  if (kind === "blobs" && reference.startsWith("uploads/"))
    return state.registry.uploads.answer(request, response, name, url, body);
  const blob = state.registry.blobs.get(key);
  if (kind !== "blobs" || blob === undefined) return notFound(response, "BLOB_UNKNOWN");
  return response.writeHead(200).end(blob);
}

function putManifest(
  { registry, options }: State,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  reference: string,
  bytes: Buffer,
): ServerResponse {
  const stored = { mediaType: request.headers["content-type"] ?? "", bytes };
  registry.manifests.set(`${name}/${reference}`, stored);
  registry.manifests.set(`${name}/${sha256(bytes)}`, stored);
  const subject = (JSON.parse(bytes.toString()) as { subject?: { digest: string } }).subject;
  const linked = subject !== undefined && options.referrers ? { "OCI-Subject": subject.digest } : {};
  registry.onPut?.(reference);
  return response.writeHead(201, linked).end();
}

function tags(registry: FakeRegistry, response: ServerResponse, name: string): ServerResponse {
  const references = [...registry.manifests.keys()]
    .filter((key) => key.startsWith(`${name}/`))
    .map((key) => key.slice(name.length + 1));
  return response.writeHead(200).end(JSON.stringify({ name, tags: references.filter((one) => !one.includes(":")) }));
}

function referrers(registry: FakeRegistry, response: ServerResponse, name: string, subject: string): ServerResponse {
  const manifests = [...registry.manifests].flatMap(([key, { bytes, mediaType }]) => {
    const value = JSON.parse(bytes.toString()) as { subject?: { digest: string }; artifactType?: string };
    if (value.subject?.digest !== subject || key !== `${name}/${sha256(bytes)}`) return [];
    return [{ mediaType, digest: sha256(bytes), size: bytes.length, artifactType: value.artifactType }];
  });
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  return response.writeHead(200, { "Content-Type": MEDIA_TYPES.ociIndex }).end(body);
}

function notFound(response: ServerResponse, code: string): ServerResponse {
  return response
    .writeHead(404, { "Content-Type": "application/json" })
    .end(JSON.stringify({ errors: [{ code, message: "unknown" }] }));
}

function addImage(registry: FakeRegistry, repository: string, tag: string, content: string, os: string) {
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os, config: { Labels: { content } } }));
  registry.blobs.set(`${repository}/${sha256(config)}`, config);
  const entry = {
    mediaType: "application/vnd.docker.container.image.v1+json",
    digest: sha256(config),
    size: config.length,
  };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.dockerManifest, config: entry, layers: [] };
  const bytes = store(registry, repository, tag, manifest);
  return { manifest: sha256(bytes), config: sha256(config) };
}

function addIndex(registry: FakeRegistry, repository: string, tag: string, platforms: readonly string[]): Digest {
  const entries = platforms.map((platform) => {
    const [os = "", architecture = "", variant] = platform.split("/");
    const { manifest } = addImage(registry, repository, `${tag}-${platform.replaceAll("/", "-")}`, platform, os);
    const more = variant === undefined ? {} : { variant };
    return {
      mediaType: MEDIA_TYPES.dockerManifest,
      digest: manifest,
      size: 1,
      platform: { os, architecture, ...more },
    };
  });
  const unknown = { os: "unknown", architecture: "unknown" };
  const attestation = { mediaType: MEDIA_TYPES.ociManifest, digest: sha256("attestation"), size: 1, platform: unknown };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [...entries, attestation] };
  return sha256(store(registry, repository, tag, index));
}

function store(registry: FakeRegistry, repository: string, tag: string, value: { mediaType: string }): Buffer {
  const bytes = Buffer.from(JSON.stringify(value));
  for (const reference of [tag, sha256(bytes)]) {
    registry.manifests.set(`${repository}/${reference}`, { mediaType: value.mediaType, bytes });
  }
  return bytes;
}
