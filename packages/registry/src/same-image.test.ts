import { type Digest, sha256 } from "@belay/core";
import { expect, it } from "vitest";
import type { ResolvedImage } from "./manifest.ts";
import { differenceOf } from "./same-image.ts";

const [config, manifest, index, other]: Digest[] = ["config", "manifest", "index", "other"].map((text) => sha256(text));
const amd64 = { config, manifest } as { config: Digest; manifest: Digest };
const served = (more: Partial<ResolvedImage> = {}): ResolvedImage => ({
  repository: "a.example/b",
  digest: amd64.manifest,
  mediaType: "",
  platforms: { "linux/amd64": amd64 },
  manifest: { digest: amd64.manifest, mediaType: "", bytes: Buffer.of() },
  ...more,
});
const mine = { repository: "a.example/b", tags: [] };

it.each([
  ["the same config", { platforms: { "linux/amd64": { config } } }, {}, undefined],
  ["the same manifest", { platforms: { "linux/amd64": { manifest } } }, {}, undefined],
  ["the same index, nothing else known", { platforms: { "linux/amd64": {} }, index }, { index }, undefined],
  ["another config", { platforms: { "linux/amd64": { config: other } } }, {}, "the config of linux/amd64"],
  [
    "another manifest",
    { platforms: { "linux/amd64": { config, manifest: other } } },
    {},
    "the manifest of linux/amd64",
  ],
  ["another index", { platforms: { "linux/amd64": {} }, index: other }, { index }, "the index of the registry"],
  ["nothing known", { platforms: { "linux/amd64": {} } }, {}, "does not say which image"],
  ["another digest", { platforms: { "linux/amd64": { config } }, digest: other }, {}, "the release names"],
  ["another platform", { platforms: { "linux/arm64": { config } } }, {}, "the registry has linux/amd64"],
  [
    "the platform under its other name",
    { platforms: { "linux/arm": { config } } },
    { platforms: { "linux/arm/v7": amd64 } },
    undefined,
  ],
  [
    "another variant",
    { platforms: { "linux/arm/v7": { config } } },
    { platforms: { "linux/arm/v6": amd64 } },
    "the registry has linux/arm/v6",
  ],
  [
    "two images for the two names of a platform",
    { platforms: { "linux/arm": { config }, "linux/arm/v7": { config: other } } },
    { platforms: { "linux/arm": amd64, "linux/arm/v7": amd64 } },
    "the config of linux/arm/v7",
  ],
  [
    "one image for the two names of a platform",
    { platforms: { "linux/arm": { config }, "linux/arm/v7": { config: other } } },
    { platforms: { "linux/arm/v7": amd64 } },
    "the release linux/arm, linux/arm/v7",
  ],
  ["a platform too many", { platforms: { "linux/amd64": { config }, "linux/arm64": {} } }, {}, "the registry has"],
])("%s", (_name, image, there, difference) => {
  const got = differenceOf({ ...mine, ...image } as Parameters<typeof differenceOf>[0], served(there as object));
  if (difference === undefined) expect(got).toBeUndefined();
  else expect(got).toContain(difference);
});
