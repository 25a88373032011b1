import type { Digest } from "./digest.ts";

/** `linux/amd64`, `linux/arm64/v8`. */
export type Platform = string;

/** Name of a platform as containerd normalises it: the default variant of arm64 is left out (containerd `platforms`). */
export function platformName(parts: { os: string; architecture: string; variant?: string | undefined }): Platform {
  const { os, architecture, variant } = parts;
  const plain = variant === undefined || variant === "" || (architecture === "arm64" && variant === "v8");
  return plain ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

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

/**
 * Whether the application built it. Of an image of others a release has the digest, and the tag by which it was found; nothing
 * is ever written into its repository.
 */
export function isOwn({ platforms }: Pick<ImageIdentity, "platforms">): boolean {
  return Object.keys(platforms).length > 0;
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

/** Host (with a dot, a port, or `localhost`), path, tag, digest. Two alternatives never match one text: no backtracking. */
const HOST = String.raw`localhost(?::\d+)?|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::\d+)?|[a-zA-Z0-9-]+:\d+`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`;
const REFERENCE = new RegExp(
  String.raw`^(?:(?<host>${HOST})/)?(?<path>${PART}(?:/${PART})*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/**
 * Reads an image reference as the docker CLI does (distribution/reference grammar): `redis` is `docker.io/library/redis`.
 * Returns `undefined` for what is no reference.
 */
export function parseReference(text: string): ImageReference | undefined {
  const { host, path, tag, digest } = REFERENCE.exec(text)?.groups ?? {};
  if (path === undefined || host?.startsWith("-")) return undefined;
  const registry = host?.toLowerCase() ?? "docker.io";
  const whole = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  return {
    repository: `${registry}/${whole}`,
    registry,
    path: whole,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest as Digest }),
  };
}
