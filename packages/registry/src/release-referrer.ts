import {
  type BelayError,
  type Clock,
  canonicalJson,
  type Digest,
  isBelayError,
  isOwn,
  type Log,
  mapBounded,
  messageOf,
  parseRelease,
  type Release,
  releaseDigest,
} from "@belay/core";
import { attachArtifact, findArtifacts, readArtifact } from "./attach-artifact.ts";
import type { RegistryClient } from "./registry-client.ts";
import { isTransient } from "./registry-error.ts";

/** `artifactType` of a release document that refers to an image. */
export const RELEASE_ARTIFACT = "application/vnd.belay.release.v1+json";
const CREATED = "org.opencontainers.image.created";
const SIDE_BY_SIDE = 4;

export interface AttachOptions {
  readonly release: Release;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Puts the release document beside each image that was built and pushed ({@link attachArtifact}), so that whoever knows
 * the image finds its release. The document is stored as canonical JSON: the digest of its blob is the release's digest.
 * Safe to repeat.
 * @returns the artifact's digest per service.
 */
export async function attachRelease(options: AttachOptions): Promise<Record<string, Digest>> {
  const { release, signal } = options;
  const bytes = Buffer.from(canonicalJson(release));
  const artifact = { artifactType: RELEASE_ARTIFACT, bytes, annotations: { [CREATED]: release.createdAt } };
  const attached = await mapBounded(Object.entries(release.services), SIDE_BY_SIDE, signal, async ([name, image]) => {
    const { repository, digest } = image;
    if (digest === undefined || !isOwn(image)) return [];
    const { digest: made } = await attachArtifact({ ...options, repository, subject: digest, artifact });
    return [[name, made] as const];
  });
  return Object.fromEntries(attached.flat());
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
 * does not itself name this image is passed over: it says nothing about it. So is, with a warning, one that is broken.
 * `undefined`: no such image, or none attached.
 * @throws BelayError those of the registry client; also when what is attached is broken, all of it
 */
export async function findRelease(
  registry: RegistryClient,
  reference: string,
  log: Log,
): Promise<FoundRelease | undefined> {
  const image = await registry.resolve(reference);
  if (image === undefined) return undefined;
  const { repository, digest } = image;
  const ours = await findArtifacts(registry, repository, digest, RELEASE_ARTIFACT);
  const found: FoundRelease[] = [];
  const broken: BelayError[] = [];
  for (const entry of ours) {
    const release = await readDocument(registry, repository, entry.digest, log).catch((error: unknown) => {
      if (!isBroken(error)) throw error;
      broken.push(error);
      return undefined;
    });
    const named = Object.values(release?.services ?? {}).some((one) => one.digest === digest);
    if (release !== undefined && named) found.push({ release, digest: releaseDigest(release), image: digest });
  }
  const [youngest] = found.sort((a, b) => (a.release.createdAt < b.release.createdAt ? 1 : -1));
  if (youngest === undefined && broken[0] !== undefined) throw broken[0];
  for (const { message } of broken) log.warn(`A document beside ${reference} is passed over: ${message}`);
  return youngest;
}

/** It will not be better the next time. What the registry only fails to give now may be the youngest. */
function isBroken(error: unknown): error is BelayError {
  return isBelayError(error, "REGISTRY_ERROR", "IDENTITY_MISMATCH") && !isTransient(error);
}

async function readDocument(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  log: Log,
): Promise<Release | undefined> {
  const bytes = await readArtifact(registry, repository, digest);
  if (bytes === undefined) return undefined;
  try {
    return parseRelease(bytes.toString("utf8"), `reading the release ${repository}@${digest}`);
  } catch (error) {
    log.warn(messageOf(error));
    return undefined;
  }
}
