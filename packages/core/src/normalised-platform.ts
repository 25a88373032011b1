import { type Platform, platformName } from "./identity.ts";

/** As BuildKit normalises what it is asked for: `linux/arm64/v8` is `linux/arm64`, `linux/arm` is `linux/arm/v7`. */
export function normalisedPlatform(platform: Platform): Platform {
  const [os = "", architecture = "", variant] = platform.split("/");
  return platformName({ os, architecture, variant: variant ?? (architecture === "arm" ? "v7" : undefined) });
}
