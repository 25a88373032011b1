import { normalisedPlatform, type Platform } from "@belay/core";

/** Whether an image whose config says `has` is the one for `wanted`. Configs often leave the variant out. */
export function isSamePlatform(has: Platform, wanted: Platform): boolean {
  return has === wanted || wanted.startsWith(`${has}/`) || normalisedPlatform(has) === normalisedPlatform(wanted);
}
