import { type Platform, platformName } from "./identity.ts";

/** Other names of an architecture, with the variant that they mean. */
const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

/**
 * As containerd and BuildKit normalise what they are asked for (containerd/platforms, `normalizeArch`): `linux/arm64/v8` is
 * `linux/arm64`, `linux/arm` is `linux/arm/v7`, `linux/amd64/v1` is `linux/amd64`. To compare platforms by: configs, indexes
 * and people leave out different parts.
 */
export function normalisedPlatform(platform: Platform): Platform {
  const [os = "", name = "", written = ""] = platform.toLowerCase().split("/");
  const [architecture, meant] = ALIASES[name] ?? [name];
  const variant = meant ?? written.replace(/^v?(\d+)(?:\.0)?$/, "v$1");
  if (architecture === "arm") return platformName({ os, architecture, variant: variant === "" ? "v7" : variant });
  const plain = architecture === "386" || (architecture === "amd64" && variant === "v1");
  return platformName({ os, architecture, variant: plain ? undefined : variant });
}
