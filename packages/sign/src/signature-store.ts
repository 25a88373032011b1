import { BelayError, type Clock, type Digest, isBelayError, oneLine, sha256 } from "@belay/core";
import { type Descriptor, layersOf, MEDIA_TYPES, type RegistryClient } from "@belay/registry";

/** cosign, `pkg/types/media.go` and `pkg/oci/static`. */
const LAYER = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const LOG_ENTRY = "dev.sigstore.cosign/bundle";
const CONFIG = "application/vnd.oci.image.config.v1+json";
/** Tries to get a layer into a tag that other runs write too. */
const TRIES = 5;
/** Of an image. More than anybody has, and each is a request. */
const MOST_READ = 50;

export interface StoredSignature {
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** What a transparency log promised, as cosign keeps it (JSON). It is not looked into: the key alone proves the signature. */
  readonly logEntry?: string;
}

/** Where cosign keeps an image's signatures: as layers of an artifact under this tag. */
export function signatureTag(digest: Digest): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** A signature of whomever, or why it could not be had. */
export type FoundSignature = StoredSignature | { readonly why: string };

/**
 * Every signature beside an image, each read when it is asked for. The youngest first.
 * @throws BelayError those of the registry client, for the list of them and for a registry that can't be reached
 */
export async function* readSignatures(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
): AsyncGenerator<FoundSignature, void> {
  const layers = await readLayers(registry, repository, digest);
  for (const layer of layers.slice(-MOST_READ).reverse()) {
    const text: unknown = layer.annotations?.[SIGNATURE];
    if (typeof text === "string") yield await signatureIn(registry, repository, layer, text);
  }
}

/** Whoever may push can put something broken beside an image; that must not hide what is whole. */
async function signatureIn(
  registry: RegistryClient,
  repository: string,
  { digest, annotations }: Descriptor,
  text: string,
): Promise<FoundSignature> {
  try {
    const payload = await registry.blob(repository, digest);
    if (payload === undefined) return { why: "it is listed and not there" };
    const logEntry: unknown = annotations?.[LOG_ENTRY];
    const logged = typeof logEntry === "string" ? { logEntry } : {};
    return { payload, signature: Buffer.from(text, "base64"), ...logged };
  } catch (error) {
    if (!isBelayError(error, "REGISTRY_ERROR", "IDENTITY_MISMATCH")) throw error;
    return { why: oneLine(error.got) };
  }
}

async function readLayers(registry: RegistryClient, repository: string, digest: Digest): Promise<Descriptor[]> {
  const tag = signatureTag(digest);
  const manifest = await registry.manifest(repository, tag);
  if (manifest === undefined) return [];
  return layersOf(`reading ${repository}:${tag}`, manifest).filter((layer) => layer.mediaType === LAYER);
}

export interface StoreOptions {
  readonly registry: RegistryClient;
  readonly repository: string;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Adds a signature to those that are there. The tag is read and written back without any lock, so it is read again
 * afterwards, and written again when another run's write has pushed ours out.
 * @throws BelayError PUSH_FAILED when it does not stay; what the registry throws
 */
export async function addSignature(
  options: StoreOptions,
  { payload, signature, logEntry }: StoredSignature,
): Promise<void> {
  const { registry, repository, digest, clock, signal } = options;
  await registry.putBlob(repository, payload);
  const text = signature.toString("base64");
  const ours: Descriptor = {
    mediaType: LAYER,
    size: payload.byteLength,
    digest: sha256(payload),
    annotations: { [SIGNATURE]: text, ...(logEntry === undefined ? {} : { [LOG_ENTRY]: logEntry }) },
  };
  const isOurs = ({ annotations }: Descriptor): boolean =>
    annotations?.[SIGNATURE] === text && annotations[LOG_ENTRY] === logEntry;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const begun = clock.now();
    const there = await readLayers(registry, repository, digest);
    if (there.some(isOurs)) return;
    await write(options, [...there, ours]);
    // Longer than others, at our own pace, need from their read to their write: what they then push out is seen here.
    await clock.sleep(50 * attempt + 4 * (clock.now() - begun), signal);
  }
  if ((await readLayers(registry, repository, digest)).some(isOurs)) return;
  throw new BelayError("PUSH_FAILED", {
    doing: `signing ${repository}@${digest}`,
    got: `${signatureTag(digest)} does not keep the signature: others write that tag at the same time`,
    next: "Sign again when they are done.",
  });
}

async function write({ registry, repository, digest }: StoreOptions, layers: readonly Descriptor[]): Promise<void> {
  // As cosign writes it: an image without files.
  const rootfs = { type: "layers", diff_ids: layers.map((layer) => layer.digest) };
  const created = "0001-01-01T00:00:00Z";
  const config = Buffer.from(
    JSON.stringify({ architecture: "", created, history: layers.map(() => ({ created })), os: "", rootfs, config: {} }),
  );
  await registry.putBlob(repository, config);
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: CONFIG, size: config.byteLength, digest: sha256(config) },
      layers,
    }),
  );
  const manifest = { digest: sha256(bytes), mediaType: MEDIA_TYPES.ociManifest, bytes };
  await registry.putManifest(repository, signatureTag(digest), manifest);
}
