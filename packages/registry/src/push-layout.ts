import { BelayError, type Clock, type ImageIdentity, type Log, mapBounded, parseReference } from "@belay/core";
import type { BlobSource } from "./blob-source.ts";
import type { StoredManifest } from "./manifest.ts";
import { readLayoutImage } from "./read-layout-image.ts";
import type { RegistryClient } from "./registry-client.ts";
import { differenceOf } from "./same-image.ts";
import type { SharedBlobs } from "./shared-blobs.ts";

export interface PushLayoutOptions {
  /** Folder of the OCI image layout. */
  readonly path: string;
  readonly image: ImageIdentity;
  /** Name of the service, for the log. */
  readonly service: string;
  readonly registry: RegistryClient;
  /** Where this push has put blobs already: they are mounted, not uploaded again. */
  readonly shared: SharedBlobs;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Blobs of one image side by side. */
const SIDE_BY_SIDE = 3;
/** How often a long upload tells how far it is. */
const TELL_EVERY_MS = 5_000;

/**
 * Puts an image that was built to disk into its repository, exactly these bytes, without any tag: blobs first, then each
 * manifest after what it names, attestations among them.
 * @returns the manifest that a tag may name
 * @throws BelayError IDENTITY_MISMATCH when it is not the image of the release (nothing was pushed); RELEASE_INVALID
 *   when something in it was changed; those of the registry client
 */
export async function pushLayout(options: PushLayoutOptions): Promise<StoredManifest> {
  const { path, image, service, registry, log } = options;
  const { identity, manifests, blobs } = await readLayoutImage(path);
  const difference = differenceOf(image, identity, "the image layout");
  if (difference !== undefined) {
    const doing = `looking at the image layout of ${service} before the push`;
    const next = "It was changed since the release was written, or belongs to another build: build again.";
    throw new BelayError("IDENTITY_MISMATCH", { doing, got: difference, next });
  }
  const top = manifests.at(-1);
  if (top === undefined) throw new Error(`${path} has no manifest`);
  const platforms = Object.keys(image.platforms).join(", ");
  const size = formatBytes(blobs.reduce((sum, blob) => sum + blob.size, 0));
  log.info(`${service}: pushing ${platforms} as built, ${blobs.length} blobs, ${size}, to ${image.repository}`);
  await mapBounded(blobs, SIDE_BY_SIDE, options.signal, (blob, signal) => pushBlob({ ...options, signal }, blob));
  for (const manifest of manifests) await registry.putManifest(image.repository, manifest.digest, manifest);
  return top;
}

async function pushBlob(options: PushLayoutOptions, blob: BlobSource): Promise<void> {
  const { image, service, registry, shared, log, clock, signal } = options;
  const { repository } = image;
  const host = parseReference(repository)?.registry ?? "";
  const name = `${service}: ${blob.digest.slice(0, 19)} (${formatBytes(blob.size)})`;
  let told = clock.now();
  const onProgress = (bytes: number): void => {
    if (clock.now() - told < TELL_EVERY_MS) return;
    told = clock.now();
    log.info(`${name}: ${formatBytes(bytes)} sent`);
  };
  await shared.put(`${host} ${blob.digest}`, repository, async (from) => {
    const how = await registry.upload(repository, blob, { from, onProgress, signal });
    const words = { there: "is there already", mounted: `mounted from ${from.join(" or ")}`, uploaded: "pushed" };
    log.info(`${name}: ${words[how]}`);
  });
}

function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
