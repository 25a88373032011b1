import { type Digest, isDigest, type PlatformIdentity } from "@belay/core";
import { RegistryError } from "./registry-error.ts";

export const MEDIA_TYPES = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  empty: "application/vnd.oci.empty.v1+json",
} as const;

/** OCI image spec, "Descriptor". */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where else the content can be had. */
  readonly urls?: readonly string[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

/** A manifest as the registry served it. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Exactly as served: its sha256 is `digest`. */
  readonly bytes: Buffer;
}

/** What a registry serves under a reference, followed down to the configs. */
export interface ResolvedImage {
  /** Name without tag and digest, always with the registry's host. */
  readonly repository: string;
  /** Of what the reference points to. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platforms: Readonly<Record<string, PlatformIdentity>>;
  /** The same as `digest`, when it is an index. */
  readonly index?: Digest;
  readonly manifest: StoredManifest;
}

export function isIndex(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.dockerList;
}

/** `config` of an image manifest. */
export function configOf(doing: string, manifest: StoredManifest): Descriptor {
  const config = asDescriptor((parse(doing, manifest) as { config?: unknown }).config);
  if (config !== undefined) return config;
  const got = `the manifest ${manifest.digest} (${manifest.mediaType}) has no config`;
  throw new RegistryError("REGISTRY_ERROR", { doing, got, next: "Only images of schema 2 and OCI images are read." });
}

/** The layers of a manifest. */
export function layersOf(doing: string, manifest: StoredManifest): Descriptor[] {
  return descriptors((parse(doing, manifest) as { layers?: unknown }).layers);
}

/** Config and layers of a manifest: what a registry must have before it takes the manifest. */
export function blobsOf(doing: string, manifest: StoredManifest): Descriptor[] {
  return [configOf(doing, manifest), ...layersOf(doing, manifest)];
}

/** Entries of an index. Attestations (`unknown/unknown`, as BuildKit writes them) are among them. */
export function entriesOf(doing: string, manifest: StoredManifest): Descriptor[] {
  return descriptors((parse(doing, manifest) as { manifests?: unknown }).manifests);
}

/**
 * Every entry of an index; none of what is no index.
 * @throws RegistryError when one of them can't be read: `entriesOf` leaves such out
 */
export function everyEntryOf(doing: string, manifest: StoredManifest): Descriptor[] {
  const { manifests = [] } = parse(doing, manifest) as { manifests?: unknown };
  const found = descriptors(manifests);
  if (Array.isArray(manifests) && found.length === manifests.length) return found;
  throw new RegistryError("REGISTRY_ERROR", { doing, got: `not every entry of ${manifest.digest} can be read` });
}

/** When an artifact of this kind says that it was made, in milliseconds since 1970; `undefined`: it is none, or does not say. */
export function madeAtOf(doing: string, manifest: StoredManifest, artifactType: string): number | undefined {
  const { artifactType: kind, annotations } = parse(doing, manifest) as Partial<Descriptor>;
  const madeAt = Date.parse(String(annotations?.["org.opencontainers.image.created"]));
  return kind !== artifactType || Number.isNaN(madeAt) ? undefined : madeAt;
}

/** `artifactType` of an artifact's manifest. */
export function kindOf(doing: string, manifest: StoredManifest): string | undefined {
  const { artifactType } = parse(doing, manifest) as { artifactType?: unknown };
  return typeof artifactType === "string" ? artifactType : undefined;
}

function descriptors(value: unknown): Descriptor[] {
  const list = Array.isArray(value) ? value.map(asDescriptor) : [];
  return list.filter((one) => one !== undefined);
}

function asDescriptor(value: unknown): Descriptor | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { digest, size, mediaType } = value as Record<string, unknown>;
  if (typeof digest !== "string" || !isDigest(digest)) return undefined;
  if (typeof size !== "number" || typeof mediaType !== "string") return undefined;
  return value as Descriptor;
}

function parse(doing: string, { bytes, digest }: StoredManifest): object {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RegistryError("REGISTRY_ERROR", { doing, got: `the manifest ${digest} is no JSON object` });
}
