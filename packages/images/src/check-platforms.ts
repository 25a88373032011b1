import { BelayError, normalisedPlatform, type Platform } from "@belay/core";

export interface PlatformCheck {
  readonly doing: string;
  /** Empty: any. */
  readonly wanted: readonly Platform[];
  readonly there: readonly Platform[];
}

/**
 * An image that somebody else built has to be for just the platforms that are asked for.
 * @throws BelayError INVALID_INPUT
 */
export function checkPlatforms({ doing, ...check }: PlatformCheck): void {
  const wanted = [...new Set(check.wanted.map(normalisedPlatform))];
  const there = check.there.map(normalisedPlatform);
  if (wanted.length === 0) return;
  if (wanted.length === there.length && wanted.every((platform) => there.includes(platform))) return;
  throw new BelayError("INVALID_INPUT", {
    doing,
    got: `it is for ${there.join(", ")}, and ${wanted.join(", ")} is asked for`,
    next: `Ask for just what it has (\`platforms\`), or have it built for what is asked for: \`docker buildx build --platform=${wanted.join(",")} --output type=oci,dest=image.tar\` writes an archive for \`from-archive\`.`,
  });
}
