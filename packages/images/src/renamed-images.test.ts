import { BelayError, createRelease, type Digest, type ImageIdentity } from "@belay/core";
import type { ImageInspect } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import type { ImageEngine } from "./build-images.ts";
import { renamedImages } from "./renamed-images.ts";

const id = (digit: number): Digest => `sha256:${String(digit).repeat(64)}`;
const PUSHED = { platforms: { "linux/amd64": { config: id(1), manifest: id(2) } }, digest: id(2) };
const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

async function renamed(inspect: () => Promise<object>, driver: string, pushed: Partial<ImageIdentity> = PUSHED) {
  const docker: ImageEngine = {
    images: { inspect: async () => (await inspect()) as ImageInspect, tag: async () => {}, save: async () => {} },
    info: async () => ({ DriverStatus: [["driver-type", driver]] }),
  };
  const log = createTestLog();
  const web: ImageIdentity = { repository: "ghcr.io/acme/web", platforms: {}, tags: [], ...pushed };
  const earlier = createRelease({
    stage: "push",
    application: "shop",
    source: { repository: "", revision: "a".repeat(40) },
    services: { web },
    evidence: {},
    createdAt: "2026-01-01T00:00:00Z",
  });
  const build = { context: ".", args: {}, platforms: [], from: "web:ci" };
  const services = { cache: { names: {} }, web: { names: {}, build }, worker: { names: {}, build } };
  const found = await renamedImages({
    ...{ earlier, docker, log },
    application: { application: "shop", services, directory: "/" },
  });
  return { found, told: log.text() };
}

const has = (Id: Digest, mediaType?: string) => async () => ({
  Id,
  ...(mediaType === undefined ? {} : { Descriptor: { mediaType } }),
});

it("are those that the engine has another image for than was pushed, by any of its digests", async () => {
  expect((await renamed(has(id(1)), "overlay2")).found).toEqual([]);
  const other = await renamed(has(id(9)), "overlay2");
  expect(other.found).toEqual(["web"]);
  expect(other.told).toBe(
    `info: web: web:ci is ${id(9)} in this engine, and that is not what was pushed of this commit.`,
  );
  const snapshotter = "io.containerd.snapshotter.v1";
  expect((await renamed(has(id(2), MANIFEST), snapshotter)).found).toEqual([]);
  expect((await renamed(has(id(3), MANIFEST), snapshotter)).found).toEqual(["web"]);
  // It may be the index of what was pushed, or of something else.
  expect((await renamed(has(id(3), INDEX), snapshotter)).found).toEqual([]);
  const whole = { ...PUSHED, digest: id(4), index: id(4) };
  expect((await renamed(has(id(4), INDEX), snapshotter, whole)).found).toEqual([]);
  expect((await renamed(has(id(3), INDEX), snapshotter, whole)).found).toEqual(["web"]);
});

it("are none where the engine does not have the image, or does not answer", async () => {
  for (const code of ["ENGINE_UNREACHABLE", "ENGINE_ERROR"] as const) {
    const refuse = async (): Promise<never> => {
      throw new BelayError(code, { doing: "asking", got: "nothing" });
    };
    expect((await renamed(refuse, "overlay2")).found).toEqual([]);
  }
});
