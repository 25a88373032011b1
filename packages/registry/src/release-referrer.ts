import {
  BelayError,
  type Clock,
  canonicalJson,
  type Digest,
  type Log,
  messageOf,
  parseRelease,
  type Release,
  releaseDigest,
  sha256,
} from "@belay/core";
import { type Descriptor, entriesOf, layersOf, MEDIA_TYPES, type StoredManifest } from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";

/** `artifactType` of a release document that refers to an image. */
export const RELEASE_ARTIFACT = "application/vnd.belay.release.v1+json";
const CREATED = "org.opencontainers.image.created";
const EMPTY = Buffer.from("{}");
/** Tries to get an entry into a fallback tag that other runs write too. */
const FALLBACK_TRIES = 5;

export interface AttachOptions {
  readonly release: Release;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Puts the release document beside each image that was built and pushed, as an OCI artifact whose subject is the image
 * (image spec 1.1, "subject"; distribution spec 1.1, "Referrers"), so that whoever knows the image finds its release.
 * The document is stored as canonical JSON: the digest of its blob is the release's digest. Safe to repeat.
 * @returns the artifact's digest per service.
 */
export async function attachRelease(options: AttachOptions): Promise<Record<string, Digest>> {
  const attached: Record<string, Digest> = {};
  for (const [name, image] of Object.entries(options.release.services)) {
    if (image.digest === undefined || Object.keys(image.platforms).length === 0) continue;
    attached[name] = await attach(options, image.repository, image.digest);
  }
  return attached;
}

async function attach(options: AttachOptions, repository: string, digest: Digest): Promise<Digest> {
  const { registry, release } = options;
  const subject = await registry.manifest(repository, digest);
  if (subject === undefined) {
    const got = `${repository}@${digest} is not there`;
    throw new BelayError("REGISTRY_ERROR", {
      doing: "attaching the release to its image",
      got,
      next: "Push it first.",
    });
  }
  const document = Buffer.from(canonicalJson(release));
  await registry.putBlob(repository, EMPTY);
  await registry.putBlob(repository, document);
  const artifact = artifactManifest(release, document, subject);
  const { subject: linked } = await registry.putManifest(repository, artifact.digest, artifact);
  if (!linked) await linkByTag(options, repository, subject.digest, artifact);
  return artifact.digest;
}

function artifactManifest(release: Release, document: Buffer, subject: StoredManifest): StoredManifest {
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: RELEASE_ARTIFACT,
      config: { mediaType: MEDIA_TYPES.empty, digest: sha256(EMPTY), size: EMPTY.byteLength },
      layers: [{ mediaType: RELEASE_ARTIFACT, digest: sha256(document), size: document.byteLength }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.byteLength },
      annotations: { [CREATED]: release.createdAt },
    }),
  );
  return { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociManifest, bytes };
}

/**
 * Registries without the referrers API (GHCR, distribution 2.x): an index under the tag `sha256-<hex>` lists them
 * (distribution spec, "Referrers Tag Schema"). It is read and written back without any lock, so it is read again
 * afterwards, and written again when another run's write has pushed ours out.
 */
async function linkByTag(
  { registry, release, clock, log, signal }: AttachOptions,
  repository: string,
  subject: Digest,
  artifact: StoredManifest,
): Promise<void> {
  const tag = fallbackTag(subject);
  const entry: Descriptor = {
    mediaType: artifact.mediaType,
    digest: artifact.digest,
    size: artifact.bytes.byteLength,
    artifactType: RELEASE_ARTIFACT,
    annotations: { [CREATED]: release.createdAt },
  };
  for (let attempt = 1; attempt <= FALLBACK_TRIES; attempt++) {
    const listed = await readFallback(registry, repository, subject);
    if (listed.some(({ digest }) => digest === artifact.digest)) return;
    const manifests = [...listed, entry];
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
    await registry.putManifest(repository, tag, { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociIndex, bytes });
    await clock.sleep(50 * attempt, signal);
  }
  if ((await readFallback(registry, repository, subject)).some(({ digest }) => digest === artifact.digest)) return;
  log.warn(
    `The release is stored, but ${repository}:${tag} does not list it: other runs write that tag at the same time.`,
  );
}

async function readFallback(registry: RegistryClient, repository: string, subject: Digest): Promise<Descriptor[]> {
  const index = await registry.manifest(repository, fallbackTag(subject));
  return index === undefined ? [] : entriesOf(`reading ${repository}:${fallbackTag(subject)}`, index);
}

function fallbackTag(subject: Digest): string {
  return subject.replace(":", "-");
}

export interface FoundRelease {
  readonly release: Release;
  /** Digest of the document. */
  readonly digest: Digest;
  /** Digest of the image that it was found by. */
  readonly image: Digest;
}

/**
 * The youngest release document that refers to an image (`repository:tag` or `repository@sha256:…`). A document that
 * does not itself name this image is passed over: it says nothing about it. `undefined`: no such image, or none attached.
 */
export async function findRelease(
  registry: RegistryClient,
  reference: string,
  log: Log,
): Promise<FoundRelease | undefined> {
  const image = await registry.resolve(reference);
  if (image === undefined) return undefined;
  const { repository, digest } = image;
  const linked = (await registry.referrers(repository, digest)) ?? [];
  const all = linked.length > 0 ? linked : await readFallback(registry, repository, digest);
  const ours = all.filter(({ artifactType }) => artifactType === RELEASE_ARTIFACT);
  const found: FoundRelease[] = [];
  for (const entry of ours) {
    const release = await readDocument(registry, repository, entry, log);
    const named = Object.values(release?.services ?? {}).some((one) => one.digest === digest);
    if (release !== undefined && named) found.push({ release, digest: releaseDigest(release), image: digest });
  }
  return found.sort((a, b) => (a.release.createdAt < b.release.createdAt ? 1 : -1))[0];
}

async function readDocument(
  registry: RegistryClient,
  repository: string,
  entry: Descriptor,
  log: Log,
): Promise<Release | undefined> {
  const doing = `reading the release ${repository}@${entry.digest}`;
  const manifest = await registry.manifest(repository, entry.digest);
  const layer = manifest === undefined ? undefined : layersOf(doing, manifest)[0];
  const bytes = layer === undefined ? undefined : await registry.blob(repository, layer.digest);
  if (bytes === undefined) return undefined;
  try {
    return parseRelease(bytes.toString("utf8"), doing);
  } catch (error) {
    log.warn(messageOf(error));
    return undefined;
  }
}
