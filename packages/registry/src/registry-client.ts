import {
  BelayError,
  type Digest,
  isDigest,
  mapBounded,
  oneLine,
  type PlatformIdentity,
  platformName,
  sha256,
} from "@belay/core";
import { addressIn } from "./address-in.ts";
import { type Ask, type AskOptions, askRegistries, referenceOf } from "./ask-registries.ts";
import { type BlobSource, blobOfBytes } from "./blob-source.ts";
import { deleteManifest } from "./delete-manifest.ts";
import { createHttp } from "./http.ts";
import { listTags } from "./list-tags.ts";
import {
  configOf,
  type Descriptor,
  entriesOf,
  isIndex,
  MEDIA_TYPES,
  type ResolvedImage,
  type StoredManifest,
} from "./manifest.ts";
import { RegistryError } from "./registry-error.ts";
import { type Uploaded, type UploadOptions, uploadBlob } from "./upload-blob.ts";

export interface RegistryClientOptions extends AskOptions {
  /** For proxies (`HTTPS_PROXY`). Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * What Belay asks registries (OCI distribution spec 1.1). `undefined` means that the registry says it is not there.
 * Everything read by digest is checked against it. Repositories are named with their registry: `ghcr.io/acme/shop`.
 * @throws BelayError REGISTRY_UNREACHABLE, REGISTRY_UNAUTHORISED, REGISTRY_ERROR; INVALID_INPUT for what is no reference.
 */
export interface RegistryClient {
  /** `repository:tag` or `repository@sha256:…`, followed down to each platform's config. */
  resolve(reference: string): Promise<ResolvedImage | undefined>;
  /** The manifest alone. */
  manifest(repository: string, tagOrDigest: string): Promise<StoredManifest | undefined>;
  /** `subject`: the registry has linked it to its subject by itself (header `OCI-Subject`). */
  putManifest(repository: string, tagOrDigest: string, manifest: StoredManifest): Promise<{ subject: boolean }>;
  blob(repository: string, digest: Digest): Promise<Buffer | undefined>;
  /** Uploads what is not there yet. */
  putBlob(repository: string, bytes: Uint8Array): Promise<Digest>;
  /**
   * Uploads what is not there yet, checked against its digest while it is read; `from`: repositories of the same
   * registry that may have it (a mount).
   * @throws BelayError RELEASE_INVALID when the source has other content than its digest says
   */
  upload(repository: string, source: BlobSource, more?: UploadOptions): Promise<Uploaded>;
  /** Artifacts that refer to a manifest. `undefined`: the registry has no referrers API. */
  referrers(repository: string, digest: Digest): Promise<Descriptor[] | undefined>;
  /** Every tag of a repository, in the registry's order. None where there is no such repository. */
  tags(repository: string): Promise<string[]>;
  /**
   * Deletes a manifest with all tags that point to it. `false`: it was not there.
   * @throws BelayError REGISTRY_ERROR also where the registry does not delete at all
   */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;
  close(): void;
}

const ATTEMPTS = 5;
const ACCEPT = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerList, MEDIA_TYPES.dockerManifest].join(
  ", ",
);
/** Statuses with which registries answer to an API that they don't have. */
const NO_API = [400, 404, 405, 406];
/** Manifests of one index read side by side. */
const SIDE_BY_SIDE = 4;

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const http = createHttp(options.env ?? process.env);
  const ask = askRegistries(options, http.send);
  const manifest: RegistryClient["manifest"] = (repository, reference) => readManifest(ask, repository, reference);
  const blob: RegistryClient["blob"] = (repository, digest) => readBlob(ask, repository, digest);
  const upload: RegistryClient["upload"] = (repository, source, more) =>
    uploadBlob({ ...options, ...more, ask, attempts: options.attempts ?? ATTEMPTS }, repository, source);
  return {
    manifest,
    blob,
    resolve: (reference) => resolve(reference, manifest, blob),
    putManifest: (repository, reference, stored) => writeManifest(ask, repository, reference, stored),
    putBlob: async (repository, bytes) => {
      const blob = blobOfBytes(bytes);
      await upload(repository, blob);
      return blob.digest;
    },
    upload,
    referrers: (repository, digest) => readReferrers(ask, repository, digest),
    tags: (repository) => listTags(ask, repository),
    deleteManifest: (repository, digest) => deleteManifest(ask, repository, digest),
    close: http.close,
  };
}

async function resolve(
  text: string,
  manifest: RegistryClient["manifest"],
  blob: RegistryClient["blob"],
): Promise<ResolvedImage | undefined> {
  const { repository, digest, tag } = referenceOf(text);
  const doing = `reading ${text}`;
  const top = await manifest(repository, digest ?? tag ?? "latest");
  if (top === undefined) return undefined;
  const facts = { repository, digest: top.digest, mediaType: top.mediaType, manifest: top };
  if (!isIndex(top.mediaType)) {
    const config = configOf(doing, top);
    const name = await platformOf(doing, repository, config, blob);
    return { ...facts, platforms: { [name]: { config: config.digest, manifest: top.digest } } };
  }
  const images = entriesOf(doing, top).filter((entry) => (entry.platform?.os ?? "unknown") !== "unknown");
  const read = await mapBounded(images, SIDE_BY_SIDE, undefined, async (entry) => {
    const stored = await manifest(repository, entry.digest);
    if (stored === undefined) throw missing(doing, `the manifest ${entry.digest} of its index`);
    const platform = platformName(entry.platform ?? { os: "unknown", architecture: "unknown" });
    const identity: PlatformIdentity = { config: configOf(doing, stored).digest, manifest: entry.digest };
    return [platform, identity] as const;
  });
  return { ...facts, index: top.digest, platforms: Object.fromEntries(read) };
}

async function platformOf(
  doing: string,
  repository: string,
  config: Descriptor,
  blob: RegistryClient["blob"],
): Promise<string> {
  const bytes = await blob(repository, config.digest);
  if (bytes === undefined) throw missing(doing, `the config ${config.digest}`);
  const { os, architecture, variant } = configFacts(bytes);
  if (typeof os !== "string" || typeof architecture !== "string") return "unknown/unknown";
  return platformName({ os, architecture, variant: typeof variant === "string" ? variant : undefined });
}

/** Artifacts that are no images (a Helm chart, a signature) have configs of any kind. */
function configFacts(bytes: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

async function readManifest(ask: Ask, repository: string, reference: string): Promise<StoredManifest | undefined> {
  const doing = `reading ${nameOf(repository, reference)}`;
  const path = `/manifests/${tagOrDigest(doing, reference)}`;
  const response = await ask(repository, { doing, method: "GET", path, headers: { Accept: ACCEPT }, answers: [404] });
  if (response.status === 404) return undefined;
  const digest = sha256(response.body);
  const told = response.headers["docker-content-digest"];
  for (const wanted of [isDigest(reference) ? reference : undefined, told]) {
    if (wanted !== undefined && wanted !== digest) throw changed(doing, String(wanted), digest);
  }
  const mediaType =
    String(response.headers["content-type"] ?? "")
      .split(";")[0]
      ?.trim() ?? "";
  return { digest, mediaType, bytes: response.body };
}

async function writeManifest(
  ask: Ask,
  repository: string,
  reference: string,
  { bytes, mediaType }: StoredManifest,
): Promise<{ subject: boolean }> {
  const doing = `writing ${nameOf(repository, reference)}`;
  const response = await ask(repository, {
    doing,
    method: "PUT",
    path: `/manifests/${tagOrDigest(doing, reference)}`,
    headers: { "Content-Type": mediaType },
    body: bytes,
    access: "push",
  });
  return { subject: response.headers["oci-subject"] !== undefined };
}

async function readBlob(ask: Ask, repository: string, digest: Digest): Promise<Buffer | undefined> {
  const doing = `reading ${repository}@${digest}`;
  const response = await ask(repository, { doing, method: "GET", path: `/blobs/${digest}`, answers: [404] });
  if (response.status === 404) return undefined;
  const came = sha256(response.body);
  if (came !== digest) throw changed(doing, digest, came);
  return response.body;
}

async function readReferrers(ask: Ask, repository: string, digest: Digest): Promise<Descriptor[] | undefined> {
  const doing = `reading what refers to ${repository}@${digest}`;
  const headers = { Accept: MEDIA_TYPES.ociIndex };
  const found: Descriptor[] = [];
  let path: string | undefined = `/referrers/${digest}`;
  while (path !== undefined) {
    const response = await ask(repository, { doing, method: "GET", path, headers, answers: NO_API });
    if (response.status !== 200) return undefined;
    const mediaType = String(response.headers["content-type"] ?? "").split(";")[0];
    if (mediaType !== MEDIA_TYPES.ociIndex) return undefined;
    found.push(...entriesOf(doing, { digest, mediaType, bytes: response.body }));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ""))?.[1];
    path = next === undefined ? undefined : addressIn(doing, next, response.url);
  }
  return found;
}

/** It becomes a part of an address. */
function tagOrDigest(doing: string, text: string): string {
  if (isDigest(text) || /^\w[\w.-]{0,127}$/.test(text)) return text;
  throw new BelayError("INVALID_INPUT", { doing, got: `${JSON.stringify(text)} is no tag and no digest` });
}

function nameOf(repository: string, reference: string): string {
  return `${repository}${isDigest(reference) ? "@" : ":"}${reference}`;
}

function missing(doing: string, what: string): RegistryError {
  const next = "The image is incomplete: push it again.";
  return new RegistryError("REGISTRY_ERROR", { doing, got: `the registry does not give ${what}`, next });
}

function changed(doing: string, wanted: string, came: string): RegistryError {
  const got = `the content that came is ${came}, not ${oneLine(wanted)}`;
  const next = "Something between here and the registry changes what it serves: don't use it.";
  return new RegistryError("IDENTITY_MISMATCH", { doing, got, next });
}
