import type { Platform } from "@belay/core";

/** Whether an image whose config says `has` is the one for `wanted`. Configs often leave the variant out. */
export function isSamePlatform(has: Platform, wanted: Platform): boolean {
  return has === wanted || wanted.startsWith(`${has}/`) || normalised(has) === normalised(wanted);
}

/** Variants that are meant where none is said (containerd, `platforms`). */
function normalised(platform: Platform): Platform {
  return platform.replace(/\/arm64\/v8$/, "/arm64").replace(/\/arm$/, "/arm/v7");
}
