import {
  BelayError,
  type Clock,
  canonicalJson,
  type Digest,
  isBelayError,
  type Log,
  mapBounded,
  retry,
  sha256,
} from "@belay/core";
import { listByTag, readListed } from "./fallback-index.ts";
import { type Descriptor, kindOf, layersOf, MEDIA_TYPES, type StoredManifest } from "./manifest.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";

/** What is put beside an image: a bill of materials, a scan report, a release, a signature. */
export interface Artifact {
  /** What kind it is, by which it is found again: `application/vnd.cyclonedx+json`. */
  readonly artifactType: string;
  /** At most 16 MiB: more is not read back. */
  readonly bytes: Uint8Array;
  /** Of the bytes. Default: the artifact's type. */
  readonly mediaType?: string;
  /** Shown by whatever lists what is beside an image; `org.opencontainers.image.created` tells the youngest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AttachArtifactOptions {
  readonly registry: RegistryClient;
  /** With its registry's host. */
  readonly repository: string;
  /** Manifest or index that it speaks of. */
  readonly subject: Digest;
  readonly artifact: Artifact;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** 0 to 1, spreads the pauses. Default `Math.random`. */
  readonly random?: () => number;
}

export interface AttachedArtifact {
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Whether it is found by whoever knows the image; when not, the log has said why. */
  readonly listed: boolean;
}

const EMPTY = Buffer.from("{}");

/** Artifacts that are asked for their kind at once. */
const AT_ONCE = 4;
/** And in all, the youngest: each is a request, and whoever may push can list thousands. */
const MOST_ASKED = 100;
const UNSETTLED = { attempts: 5, delayMs: 100, maxDelayMs: 1_000 } as const;

/**
 * Several writers put the same empty config at once: for a moment a registry does not know a blob whose upload it has just
 * confirmed (seen: distribution 2.8 with files, "provided digest did not match uploaded content").
 */
function isUnsettled(error: unknown): boolean {
  return error instanceof RegistryError && error.got.includes("MANIFEST_BLOB_UNKNOWN");
}

/**
 * Puts bytes beside an image, as an OCI artifact whose subject is the image (image spec 1.1, "subject"; distribution
 * spec 1.1, "Referrers"); at registries without that API under the tag that the spec has for them. Safe to repeat: the
 * same artifact is there once.
 * @throws BelayError REGISTRY_ERROR when the image is not there, and those of the registry client
 */
export async function attachArtifact(options: AttachArtifactOptions): Promise<AttachedArtifact> {
  const { registry, repository, artifact } = options;
  const subject = await registry.manifest(repository, options.subject);
  if (subject === undefined) {
    const doing = `attaching ${artifact.artifactType} to its image`;
    const got = `${repository}@${options.subject} is not there`;
    throw new BelayError("REGISTRY_ERROR", { doing, got, next: "Push it first." });
  }
  const manifest = manifestOf(artifact, subject);
  const { clock, signal, random } = options;
  const put = async (): Promise<{ readonly subject: boolean }> => {
    await Promise.all([registry.putBlob(repository, EMPTY), registry.putBlob(repository, artifact.bytes)]);
    return registry.putManifest(repository, manifest.digest, manifest);
  };
  const again = { clock, retryable: isUnsettled, ...(signal && { signal }), ...(random && { random }) };
  const { subject: linked } = await retry({ ...UNSETTLED, ...again }, put);
  const listed = linked || (await listByTag({ ...options, entry: entryOf(artifact, manifest) }));
  return { digest: manifest.digest, listed };
}

/**
 * What is beside an image, of one kind or of all: what the referrers API tells, after what only the fallback tag lists.
 * Registries that got the API later have old entries only there. Where an entry tells the config's kind instead of the artifact's
 * (go-containerregistry, thus cosign, and its registry), the artifact itself is asked, of the youngest hundred.
 * @throws BelayError those of the registry client; not for a tag that can't be read where the API tells of something
 */
export async function findArtifacts(
  registry: RegistryClient,
  repository: string,
  subject: Digest,
  artifactType?: string,
): Promise<Descriptor[]> {
  const wanted = async (entries: readonly Descriptor[]): Promise<readonly Descriptor[]> => {
    if (artifactType === undefined) return entries;
    const kinds = await ofOwnKinds(registry, repository, entries);
    return kinds.filter((entry) => entry.artifactType === artifactType);
  };
  const linked = await wanted((await registry.referrers(repository, subject)) ?? []);
  const known = new Set(linked.map(({ digest }) => digest));
  const listed = await readListed(registry, repository, subject).catch((error: unknown) => {
    const answered = error instanceof RegistryError && error.code !== "REGISTRY_UNREACHABLE";
    if (linked.length > 0 && answered) return [];
    throw error;
  });
  const only = listed.filter(({ digest }) => !known.has(digest));
  return [...(await wanted(only)), ...linked];
}

async function ofOwnKinds(
  registry: RegistryClient,
  repository: string,
  entries: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
  const asked = new Set(entries.filter(tellsNoKind).slice(-MOST_ASKED));
  return mapBounded(entries, AT_ONCE, undefined, async (entry) =>
    asked.has(entry) ? ofOwnKind(registry, repository, entry) : entry,
  );
}

function tellsNoKind({ artifactType }: Descriptor): boolean {
  return artifactType === undefined || artifactType === MEDIA_TYPES.empty;
}

/** Whoever may push can list something broken; that must not hide what is whole. */
async function ofOwnKind(registry: RegistryClient, repository: string, entry: Descriptor): Promise<Descriptor> {
  try {
    const manifest = await registry.manifest(repository, entry.digest);
    const kind = manifest === undefined ? undefined : kindOf(`reading ${repository}@${entry.digest}`, manifest);
    return kind === undefined ? entry : { ...entry, artifactType: kind };
  } catch (error) {
    if (!isBelayError(error, "REGISTRY_ERROR", "IDENTITY_MISMATCH")) throw error;
    return entry;
  }
}

/** The bytes of an artifact, checked against its digests. `undefined`: it is listed and not there. */
export async function readArtifact(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
): Promise<Buffer | undefined> {
  const manifest = await registry.manifest(repository, digest);
  const layer = manifest === undefined ? undefined : layersOf(`reading ${repository}@${digest}`, manifest)[0];
  return layer === undefined ? undefined : registry.blob(repository, layer.digest);
}

function manifestOf(artifact: Artifact, subject: StoredManifest): StoredManifest {
  const { artifactType, bytes: content, mediaType = artifactType, annotations } = artifact;
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType,
      config: { mediaType: MEDIA_TYPES.empty, digest: sha256(EMPTY), size: EMPTY.byteLength },
      layers: [{ mediaType, digest: sha256(content), size: content.byteLength }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.byteLength },
      ...(annotations === undefined ? {} : { annotations }),
    }),
  );
  return { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociManifest, bytes };
}

function entryOf({ artifactType, annotations }: Artifact, manifest: StoredManifest): Descriptor {
  const { digest, mediaType, bytes } = manifest;
  const more = annotations === undefined ? {} : { annotations };
  return { mediaType, digest, size: bytes.byteLength, artifactType, ...more };
}
