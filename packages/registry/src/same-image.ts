import {
  byNormalisedPlatform,
  type Digest,
  type ImageIdentity,
  type Platform,
  type PlatformIdentity,
} from "@belay/core";
import type { ResolvedImage } from "./manifest.ts";

/** What is compared with a release: what a registry serves, or what stands on disk to be pushed. */
export type Shown = Pick<ResolvedImage, "digest" | "index" | "platforms">;

/**
 * Why what is shown (at a place such as `the registry`) is *not* the image of a release, or `undefined` when it is proven to be: the same
 * platforms, and for each of them the same config digest, or the same manifest where the config is not known. A pushed
 * digest that the release already names must be the one that is served.
 */
export function differenceOf(image: ImageIdentity, served: Shown, place = "the registry"): string | undefined {
  if (image.digest !== undefined && image.digest !== served.digest) {
    return `${place} has ${served.digest}, the release names ${image.digest}`;
  }
  if (image.index !== undefined && served.index !== undefined && image.index !== served.index) {
    return `the index of ${place} is ${served.index}, the release's ${image.index}`;
  }
  // A config may leave out the variant that an index names.
  const [mine, theirs] = [byNormalisedPlatform(image.platforms), byNormalisedPlatform(served.platforms)];
  const [wanted, there] = [[...mine.keys()].sort(), [...theirs.keys()].sort()];
  if (wanted.join() !== there.join()) {
    return `${place} has ${there.join(", ") || "no platform"}, the release ${wanted.join(", ") || "no platform"}`;
  }
  for (const platform of wanted) {
    const known = { mine: mine.get(platform), theirs: theirs.get(platform), index: image.index };
    const difference = platformDifference(platform, known, place);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

interface Known {
  readonly mine: PlatformIdentity | undefined;
  readonly theirs: PlatformIdentity | undefined;
  /** Of the release's image. */
  readonly index: Digest | undefined;
}

function platformDifference(platform: Platform, { mine, theirs, index }: Known, place: string): string | undefined {
  for (const key of ["config", "manifest"] as const) {
    const wanted = mine?.[key];
    if (wanted !== undefined && wanted !== theirs?.[key]) {
      return `the ${key} of ${platform} is ${theirs?.[key] ?? "missing"} in ${place} and ${wanted} in the release`;
    }
  }
  const proven = mine?.config !== undefined || mine?.manifest !== undefined || index !== undefined;
  return proven ? undefined : `the release does not say which image of ${platform} it means`;
}
