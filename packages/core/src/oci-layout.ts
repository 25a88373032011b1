import { join } from "node:path";
import * as z from "zod/mini";
import { type Digest, isDigest, sha256 } from "./digest.ts";
import { BelayError, messageOf } from "./errors.ts";
import { type Platform, platformName } from "./identity.ts";
import { parseJson } from "./parse-json.ts";
import { readJobBytes, readJobFile } from "./read-job-file.ts";

/** An image on disk, in a folder as `buildx build --output type=oci,tar=false` writes it (OCI image spec, "Image Layout"). */
export interface ImageLayout {
  /** What `index.json` points to: an index or a manifest, one per tag or image. */
  readonly roots: readonly LayoutDescriptor[];
  /** Every platform of all of them, however deep their indexes are nested; attestations are left out. */
  readonly entries: readonly LayoutEntry[];
}

/** One platform of an image on disk. */
export interface LayoutEntry {
  readonly platform: Platform;
  /** Digest of its manifest. */
  readonly manifest: Digest;
  /** Digest of its config. */
  readonly config: Digest;
  readonly descriptor: LayoutDescriptor;
}

/** OCI image spec, "Descriptor". */
export type LayoutDescriptor = z.infer<typeof DESCRIPTOR>;

const digest = z.custom<Digest>((text) => typeof text === "string" && isDigest(text), "it is no sha256 digest");

const DESCRIPTOR = z.object({
  mediaType: z.string(),
  digest,
  size: z.number(),
  annotations: z.optional(z.record(z.string(), z.string())),
  platform: z.optional(z.object({ os: z.string(), architecture: z.string(), variant: z.optional(z.string()) })),
});
const INDEX = z.object({ manifests: z.array(DESCRIPTOR) });
const MANIFEST = z.object({ config: z.object({ digest }) });
const CONFIG = z.object({ os: z.string(), architecture: z.string(), variant: z.optional(z.string()) });

/** An index in an index in an index is more than anybody writes. */
const DEEPEST = 3;
/** Of a manifest, an index or a config, in bytes. */
const LARGEST = 16 * 1024 * 1024;

/**
 * Reads the image of a layout and checks every blob that it reads against its digest; layers are not read.
 * @throws BelayError RELEASE_INVALID when something is missing, was changed, or there is no image in it
 */
export async function readLayout(path: string): Promise<ImageLayout> {
  const doing = `reading the image layout ${path}`;
  const next = "Build the image again.";
  try {
    const { manifests: roots } = INDEX.parse(parseJson(await readJobFile(join(path, "index.json"), LARGEST)));
    const entries = await entriesOf(path, roots, DEEPEST);
    if (entries.length > 0) return { roots, entries };
  } catch (error) {
    throw new BelayError("RELEASE_INVALID", { doing, got: messageOf(error), next, cause: error });
  }
  throw new BelayError("RELEASE_INVALID", { doing, got: "there is no image in it", next });
}

async function entriesOf(
  path: string,
  descriptors: readonly LayoutDescriptor[],
  depth: number,
): Promise<LayoutEntry[]> {
  const entries: LayoutEntry[] = [];
  for (const descriptor of descriptors) {
    if (descriptor.platform?.os === "unknown") continue;
    if (/index|manifest\.list/.test(descriptor.mediaType)) {
      if (depth === 0) throw new Error("its indexes are nested too deep");
      const index = INDEX.parse(await readBlob(path, descriptor.digest));
      entries.push(...(await entriesOf(path, index.manifests, depth - 1)));
    } else entries.push(await entryOf(path, descriptor));
  }
  return entries;
}

/** The config tells the platform; what an index says beside it may be missing or wrong. */
async function entryOf(path: string, descriptor: LayoutDescriptor): Promise<LayoutEntry> {
  const manifest = MANIFEST.parse(await readBlob(path, descriptor.digest));
  const { os, architecture, variant } = CONFIG.parse(await readBlob(path, manifest.config.digest));
  const platform = platformName({ os, architecture, variant });
  return { platform, manifest: descriptor.digest, config: manifest.config.digest, descriptor };
}

async function readBlob(path: string, name: Digest): Promise<unknown> {
  // A layout of one platform has a link to the blobs of another. Whatever is found there is held against its digest.
  const bytes = await readJobBytes(join(path, "blobs", ...name.split(":")), LARGEST);
  if (sha256(bytes) !== name) throw new Error(`the blob ${name} has other content`);
  return parseJson(bytes.toString("utf8"));
}
