import type { Platform } from "./identity.ts";
import { normalisedPlatform } from "./normalised-platform.ts";

/** What there is for each platform, by its normalised name. Where two get the same name, all keep their own: none must get lost. */
export function byNormalisedPlatform<T>(platforms: Readonly<Record<Platform, T>>): ReadonlyMap<Platform, T> {
  const all = Object.entries(platforms);
  const found = new Map(all.map(([platform, one]) => [normalisedPlatform(platform), one]));
  return found.size === all.length ? found : new Map(all);
}
