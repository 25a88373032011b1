import type { Source } from "@belay/core";
import type { ImageInspect } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import { adoptImage } from "./adopt-image.ts";
import type { ImageEngine } from "./build-images.ts";

const SOURCE: Source = { repository: "https://github.com/acme/shop", revision: "a".repeat(40) };
const ID = `sha256:${"1".repeat(64)}`;

/** One that has a single image. */
function engineWith(driver: string): ImageEngine {
  const found = {
    Id: ID,
    ...{ Os: "linux", Architecture: "arm64", Variant: "v8" },
    Config: { Labels: { "org.opencontainers.image.revision": SOURCE.revision } },
  };
  return {
    images: {
      inspect: async () => found as object as ImageInspect,
      tag: async () => undefined,
      save: async () => undefined,
    },
    info: async () => ({ DriverStatus: [["driver-type", driver]] }),
  };
}

const adopt = (platforms: readonly string[], driver = "overlay2") =>
  adoptImage({
    ...{ service: "web", from: "web:ci", source: SOURCE, platforms },
    ...{ docker: engineWith(driver), log: createTestLog() },
  });

it("takes the one platform of a classic store, and refuses to take it for others", async () => {
  const taken = { ids: [ID], tested: false };
  for (const platforms of [[], ["linux/arm64"], ["linux/arm64/v8", "linux/arm64"]]) {
    expect(await adopt(platforms)).toEqual(taken);
  }
  for (const platforms of [["linux/amd64"], ["linux/amd64", "linux/arm64"]]) {
    await expect(adopt(platforms)).rejects.toMatchObject({
      code: "INVALID_INPUT",
      got: `it is for linux/arm64, and ${platforms.join(", ")} is asked for`,
      next: expect.stringContaining(`--platform=${platforms.join(",")} --output type=oci`),
    });
  }
  // What containerd's has, the copy of it tells.
  expect(await adopt(["linux/amd64"], "io.containerd.snapshotter.v1")).toEqual(taken);
});
