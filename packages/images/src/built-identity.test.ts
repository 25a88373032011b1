import { type Digest, sha256 } from "@belay/core";
import { describe, expect, it } from "vitest";
import { builtIdentity, usesContainerd } from "./built-identity.ts";

const id: Digest = sha256("id");
const config: Digest = sha256("config");
const found = { Id: id, Os: "linux", Architecture: "arm64", Variant: "v8" };
const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

describe("the identity of a built image", () => {
  it.each([
    ["its config in the classic store", { containerd: false }, { platforms: { "linux/arm64": { config: id } } }],
    [
      "its manifest in containerd's",
      { containerd: true, mediaType: MANIFEST },
      { platforms: { "linux/arm64": { manifest: id } } },
    ],
    [
      "both when the builder tells the config",
      { containerd: true, mediaType: MANIFEST, config },
      { platforms: { "linux/arm64": { config, manifest: id } } },
    ],
    [
      "its index when that is what it is",
      { containerd: true, mediaType: INDEX, config },
      { platforms: { "linux/arm64": { config } }, index: id },
    ],
    [
      "nothing that is no digest",
      { containerd: true, config: "x" },
      { platforms: { "linux/arm64": { manifest: id } } },
    ],
  ])("is %s", (_name, facts, identity) => {
    expect(builtIdentity({ found, ...facts })).toEqual(identity);
  });

  it("takes the engine's word for what it stored before the builder's", () => {
    const told = { ...found, Descriptor: { mediaType: INDEX, digest: id, size: 1 } };
    expect(builtIdentity({ found: told, containerd: true, mediaType: MANIFEST })).toMatchObject({ index: id });
  });
});

it("knows containerd's store by the driver's type", () => {
  expect(usesContainerd({ DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] })).toBe(true);
  expect(usesContainerd({ DriverStatus: [["Backing Filesystem", "extfs"]] })).toBe(false);
  expect(usesContainerd({ DriverStatus: null })).toBe(false);
});
