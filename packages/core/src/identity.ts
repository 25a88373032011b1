import type { Digest } from "./digest.ts";

/** `linux/amd64`, `linux/arm64/v8`. */
export type Platform = string;

/** What proves an image of one platform the same, wherever it is. */
export interface PlatformIdentity {
  /** Digest of the image's config: the image ID of an engine with the classic store. Stays the same when it is pushed. */
  readonly config?: Digest;
  /** Digest of the platform's manifest: known once it was pushed, or earlier with the containerd store. */
  readonly manifest?: Digest;
}

/** The image of one service. `digest` is what an engine is told to run; it exists only once the image was pushed. */
export interface ImageIdentity {
  /** Name without tag and digest: `ghcr.io/acme/shop-web`. */
  readonly repository: string;
  readonly platforms: Readonly<Record<Platform, PlatformIdentity>>;
  /** Digest of the index, when the image has several platforms. */
  readonly index?: Digest;
  /** Digest that the registry serves under the tag (index or manifest), read back after the push. */
  readonly digest?: Digest;
  /** Tags without the repository, the immutable SHA tag first. */
  readonly tags: readonly string[];
}

/** `repository@sha256:…`: the only form in which an image goes to a target. `undefined` before the push. */
export function pinnedReference(image: ImageIdentity): string | undefined {
  return image.digest === undefined ? undefined : `${image.repository}@${image.digest}`;
}

/** Every digest under which an engine may show this image. Engines show different members of the set. */
export function knownDigests(image: ImageIdentity): Digest[] {
  const all = Object.values(image.platforms).flatMap((platform) => [platform.config, platform.manifest]);
  return [...new Set([image.digest, image.index, ...all].filter((digest) => digest !== undefined))];
}

export interface ImageReference {
  /** `docker.io/library/redis`: always with the registry's host. */
  readonly repository: string;
  readonly registry: string;
  /** Path below the registry: `library/redis`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const REFERENCE =
  /^(?<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\.[a-z0-9-]+)*(?::\d+)?(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/**
 * Reads an image reference as the docker CLI does (distribution/reference grammar): `redis` is `docker.io/library/redis`.
 * Returns `undefined` for what is no reference.
 */
export function parseReference(text: string): ImageReference | undefined {
  const groups = REFERENCE.exec(text.replace(/^([A-Za-z0-9.-]+(?::\d+)?)\//, (host) => host.toLowerCase()))?.groups;
  if (groups?.name === undefined) return undefined;
  const { registry, path } = splitName(groups.name);
  if (registry === undefined || path === "") return undefined;
  return {
    repository: `${registry}/${path}`,
    registry,
    path,
    ...(groups.tag === undefined ? {} : { tag: groups.tag }),
    ...(groups.digest === undefined ? {} : { digest: groups.digest as Digest }),
  };
}

function splitName(name: string): { registry?: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (/[.:]/.test(first) || first === "localhost") return { registry: first, path: name.slice(slash + 1) };
  if (slash < 0 && name.includes(":")) return { path: "" };
  return { registry: "docker.io", path: slash < 0 ? `library/${name}` : name };
}
