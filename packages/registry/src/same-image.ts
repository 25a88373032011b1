import type { ImageIdentity } from "@belay/core";
import type { ResolvedImage } from "./manifest.ts";

/**
 * Why what a registry serves is *not* the image of a release, or `undefined` when it is proven to be: the same
 * platforms, and for each of them the same config digest, or the same manifest where the config is not known. A pushed
 * digest that the release already names must be the one that is served.
 */
export function differenceOf(image: ImageIdentity, served: ResolvedImage): string | undefined {
  if (image.digest !== undefined && image.digest !== served.digest) {
    return `the registry serves ${served.digest}, the release names ${image.digest}`;
  }
  if (image.index !== undefined && served.index !== undefined && image.index !== served.index) {
    return `the registry's index is ${served.index}, the release's ${image.index}`;
  }
  const wanted = Object.keys(image.platforms).sort();
  const there = Object.keys(served.platforms).sort();
  if (wanted.join() !== there.join()) {
    return `the registry has ${there.join(", ") || "no platform"}, the release ${wanted.join(", ") || "no platform"}`;
  }
  for (const platform of wanted) {
    const difference = platformDifference(platform, image, served);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function platformDifference(platform: string, image: ImageIdentity, served: ResolvedImage): string | undefined {
  const mine = image.platforms[platform];
  const theirs = served.platforms[platform];
  for (const key of ["config", "manifest"] as const) {
    const wanted = mine?.[key];
    if (wanted !== undefined && wanted !== theirs?.[key]) {
      return `the ${key} of ${platform} is ${theirs?.[key] ?? "missing"} at the registry and ${wanted} in the release`;
    }
  }
  const proven = mine?.config !== undefined || mine?.manifest !== undefined || image.index !== undefined;
  return proven ? undefined : `the release does not say which image of ${platform} it means`;
}
