import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, type Digest, type ImageIdentity, normalisedPlatform, type Platform } from "@belay/core";
import { type ImageLayout, type LayoutDescriptor, readLayout } from "@belay/core/oci-layout";

/** What the builder says about the layout that it wrote. */
export interface LayoutClaim {
  readonly path: string;
  /** Digest of what it made: an index's or a manifest's. */
  readonly digest?: string;
  /** Digest of the config, where it made one platform. */
  readonly config?: string;
  /** Platforms that were asked for; empty: any. */
  readonly platforms: readonly Platform[];
  /** Whether every platform has to have attestations. */
  readonly attested: boolean;
}

/**
 * Identity of the image in a layout, read from its blobs and held against what the builder says that it made.
 * @throws BelayError RELEASE_INVALID when the layout is broken, BUILD_FAILED when it is not what the builder told or was asked for
 */
export async function layoutIdentity(claim: LayoutClaim): Promise<Pick<ImageIdentity, "platforms" | "index">> {
  const layout = await readLayout(claim.path);
  const root = onlyRoot(claim, layout);
  if (claim.digest !== undefined && claim.digest !== root.digest) {
    throw differs(claim, `it holds ${root.digest}, but the builder says that it made ${claim.digest}`);
  }
  const configs = layout.entries.map((entry) => entry.config);
  if (claim.config !== undefined && configs.length === 1 && configs[0] !== claim.config) {
    throw differs(claim, `its config is ${configs[0]}, but the builder says that it made ${claim.config}`);
  }
  checkPlatforms(claim, layout);
  if (claim.attested) await checkAttestations(claim, root, layout);
  const platforms = layout.entries.map(({ platform, manifest, config }) => [platform, { config, manifest }] as const);
  const index: { index?: Digest } = isIndex(root) ? { index: root.digest } : {};
  return { platforms: Object.fromEntries(platforms), ...index };
}

function onlyRoot(claim: LayoutClaim, { roots }: ImageLayout): LayoutDescriptor {
  const [root, ...others] = new Map(roots.map((one) => [one.digest, one])).values();
  if (root !== undefined && others.length === 0) return root;
  throw differs(claim, `it holds ${others.length + 1} images, and one was built`);
}

function isIndex({ mediaType }: LayoutDescriptor): boolean {
  return /index|manifest\.list/.test(mediaType);
}

function checkPlatforms(claim: LayoutClaim, { entries }: ImageLayout): void {
  const found = entries.map((entry) => entry.platform);
  if (new Set(found).size !== found.length) throw differs(claim, `it holds a platform twice: ${found.join(", ")}`);
  const wanted = [...new Set(claim.platforms.map(normalisedPlatform))];
  const same = wanted.length === found.length && wanted.every((platform) => found.includes(platform));
  if (wanted.length === 0 || same) return;
  throw differs(claim, `it holds ${found.join(", ")}, but ${wanted.join(", ")} was asked for`);
}

/** BuildKit docs, "Image attestation storage": an entry of the index, which names the manifest that it speaks of. */
async function checkAttestations(claim: LayoutClaim, root: LayoutDescriptor, { entries }: ImageLayout): Promise<void> {
  const index = isIndex(root) ? await readFile(join(claim.path, "blobs", ...root.digest.split(":")), "utf8") : "{}";
  const { manifests = [] } = JSON.parse(index) as {
    readonly manifests?: readonly Pick<LayoutDescriptor, "annotations">[];
  };
  const spokenOf = manifests
    .filter(({ annotations }) => annotations?.["vnd.docker.reference.type"] === "attestation-manifest")
    .map(({ annotations }) => annotations?.["vnd.docker.reference.digest"]);
  const without = entries.find((entry) => !spokenOf.includes(entry.manifest));
  if (without !== undefined) throw differs(claim, `attestations were asked for, and ${without.platform} has none`);
}

function differs(claim: LayoutClaim, got: string): BelayError {
  return new BelayError("BUILD_FAILED", {
    doing: `reading back the image layout ${claim.path}`,
    got,
    next: "Run the build again. If it happens again, the builder or its cache is damaged (`docker buildx prune`).",
  });
}
