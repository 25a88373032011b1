import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Digest, isDigest, messageOf, type Platform, platformName, sha256 } from "@belay/core";
import { z } from "zod";
import { ScanError } from "./could-not-scan.ts";

/** One platform of an image on disk. */
export interface LayoutEntry {
  readonly platform: Platform;
  /** Digest of its manifest. */
  readonly manifest: Digest;
  /** Digest of its config. */
  readonly config: Digest;
  readonly descriptor: z.infer<typeof DESCRIPTOR>;
}

const digest = z.custom<Digest>((text) => typeof text === "string" && isDigest(text), "it is no sha256 digest");

/** OCI image spec, "Descriptor". */
const DESCRIPTOR = z.object({
  mediaType: z.string(),
  digest,
  size: z.number(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});
const INDEX = z.object({ manifests: z.array(DESCRIPTOR) });
const MANIFEST = z.object({ config: z.object({ digest }) });
const CONFIG = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

/** An index in an index in an index is more than anybody writes. */
const DEEPEST = 3;

/**
 * The platforms of an OCI image layout, however deep its indexes are nested; attestations are left out.
 * @throws ScanError broken_image
 */
export async function readLayout(path: string): Promise<LayoutEntry[]> {
  const doing = `reading the image layout ${path}`;
  try {
    const top = INDEX.parse(JSON.parse(await readFile(join(path, "index.json"), "utf8")));
    const entries = await entriesOf(path, top.manifests, DEEPEST);
    if (entries.length > 0) return entries;
  } catch (error) {
    throw new ScanError("broken_image", { doing, got: messageOf(error), cause: error });
  }
  throw new ScanError("broken_image", { doing, got: "there is no image in it" });
}

type Descriptor = z.infer<typeof DESCRIPTOR>;

async function entriesOf(path: string, descriptors: readonly Descriptor[], depth: number): Promise<LayoutEntry[]> {
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
async function entryOf(path: string, descriptor: Descriptor): Promise<LayoutEntry> {
  const manifest = MANIFEST.parse(await readBlob(path, descriptor.digest));
  const { os, architecture, variant } = CONFIG.parse(await readBlob(path, manifest.config.digest));
  const platform = platformName({ os, architecture, variant });
  return { platform, manifest: descriptor.digest, config: manifest.config.digest, descriptor };
}

async function readBlob(path: string, name: Digest): Promise<unknown> {
  const bytes = await readFile(join(path, "blobs", ...name.split(":")));
  if (sha256(bytes) !== name) throw new Error(`the blob ${name} has other content`);
  return JSON.parse(bytes.toString("utf8"));
}

/**
 * Makes a layout with one platform only, whose blobs are the other's. Trivy takes the first image that it finds in a
 * layout, whatever platform is asked for (trivy, `pkg/fanal/image/oci.go`).
 */
export async function narrowLayout(path: string, entry: LayoutEntry, target: string): Promise<void> {
  await mkdir(target);
  await symlink(resolve(path, "blobs"), join(target, "blobs"));
  await writeFile(join(target, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(target, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry.descriptor] }));
}
