import { type Digest, type ImageIdentity, isDigest, platformName } from "@belay/core";
import type { EngineInfo, ImageInspect } from "@belay/docker";

export interface BuiltFacts {
  readonly found: Pick<ImageInspect, "Id" | "Os" | "Architecture" | "Variant" | "Descriptor">;
  readonly containerd: boolean;
  /** Config digest that the builder told. */
  readonly config?: string;
  /** What the image's digest points to, as the builder told it. */
  readonly mediaType?: string;
}

/**
 * Identity of an image that was just built. With the classic store the image's id *is* its config digest. With
 * containerd's it is the digest of a manifest, or of an index, and only the builder tells the config's.
 */
export function builtIdentity(facts: BuiltFacts): Pick<ImageIdentity, "platforms" | "index"> {
  const { found } = facts;
  const id = found.Id as Digest;
  const platform = platformName({ os: found.Os, architecture: found.Architecture, variant: found.Variant });
  if (!facts.containerd) return { platforms: { [platform]: { config: id } } };
  const config = facts.config !== undefined && isDigest(facts.config) ? { config: facts.config } : {};
  const mediaType = found.Descriptor?.mediaType ?? facts.mediaType ?? "";
  if (/index|manifest\.list/.test(mediaType)) return { platforms: { [platform]: config }, index: id };
  return { platforms: { [platform]: { ...config, manifest: id } } };
}

/** `driver-type` of `GET /info` (moby, `daemon/containerd/service.go`). */
export function usesContainerd(info: Pick<EngineInfo, "DriverStatus">): boolean {
  return (info.DriverStatus ?? []).some(([name, value]) => name === "driver-type" && value.includes("snapshotter"));
}
