import { BelayError, createRelease, type Digest, type ImageIdentity } from "@belay/core";
import type { ImageInspect } from "@belay/docker";
import { createTestLog } from "@belay/testkit";
import { expect, it } from "vitest";
import type { ImageEngine } from "./build-images.ts";
import { renamedImages } from "./renamed-images.ts";

const id = (digit: number): Digest => `sha256:${String(digit).repeat(64)}`;
const PUSHED = { platforms: { "linux/amd64": { config: id(1), manifest: id(2) } }, digest: id(2) };
const CREATED = "2026-01-01T00:00:00.123456789Z";
const CONFIG = JSON.stringify({ created: CREATED, rootfs: { type: "layers", diff_ids: [id(5), id(6)] } });
const SNAPSHOTTER = "io.containerd.snapshotter.v1";

type Found = Partial<ImageInspect>;

/** `blob`: what the registry has of the config. */
async function renamed(
  found: Found | (() => Promise<never>),
  driver = "overlay2",
  pushed: Partial<ImageIdentity> = PUSHED,
  blob: string | undefined = CONFIG,
) {
  const inspect = async () => {
    if (typeof found === "function") return found();
    const own = { Os: "linux", Architecture: "amd64", Size: 1, Created: CREATED };
    return { ...own, RootFS: { Type: "layers", Layers: [id(5), id(6)] }, Id: id(9), ...found };
  };
  const docker: ImageEngine = {
    images: { inspect, tag: async () => {}, save: async () => {} },
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
  const asked: string[] = [];
  const names = await renamedImages({
    ...{ earlier, docker, log },
    application: { application: "shop", services, directory: "/" },
    blob: async (repository, digest) => {
      asked.push(`${repository}@${digest}`);
      return blob === undefined ? undefined : Buffer.from(blob);
    },
  });
  return { names, asked, told: log.text() };
}

it("are those that a classic store has another config for than was pushed", async () => {
  expect(await renamed({ Id: id(1) })).toMatchObject({ names: [], told: "" });
  expect(await renamed({ Id: id(9) })).toEqual({
    names: ["web"],
    asked: [],
    told: `info: web: web:ci is ${id(9)} in this engine, and that is not what was pushed of this commit.`,
  });
});

it("are told by their content where a containerd store names an image by its manifest or index", async () => {
  expect(await renamed({ Id: id(2) }, SNAPSHOTTER)).toMatchObject({ names: [], asked: [] });
  const asked = [`ghcr.io/acme/web@${id(1)}`];
  // The index that the pushed platform was taken from, or the same image in another form.
  expect(await renamed({}, SNAPSHOTTER)).toMatchObject({ names: [], asked });
  const others: Found[] = [
    { RootFS: { Type: "layers", Layers: [id(5), id(7)] } },
    { RootFS: { Type: "layers", Layers: [id(5)] } },
    { Created: "2026-01-01T00:00:01Z" },
  ];
  for (const other of others) expect((await renamed(other, SNAPSHOTTER)).names).toEqual(["web"]);
  const two = { "linux/arm64": { config: id(3) }, "linux/amd64": { config: id(1) } };
  expect(await renamed({}, SNAPSHOTTER, { platforms: two })).toMatchObject({ names: [], asked });
  const foreign = { Architecture: "riscv64", Created: "2026-01-02T00:00:00Z" };
  expect(await renamed(foreign, SNAPSHOTTER, { platforms: two })).toMatchObject({ names: [], asked: [] });
});

it("are none where the registry or the engine does not tell", async () => {
  const other = { Created: "2026-01-02T00:00:00Z" };
  for (const blob of [undefined, "{"]) {
    const pushed = { platforms: { "linux/amd64": blob === undefined ? {} : { config: id(1) } } };
    expect((await renamed(other, SNAPSHOTTER, pushed, blob)).names).toEqual([]);
  }
  for (const code of ["ENGINE_UNREACHABLE", "ENGINE_ERROR"] as const) {
    const refuse = async (): Promise<never> => {
      throw new BelayError(code, { doing: "asking", got: "nothing" });
    };
    expect((await renamed(refuse)).names).toEqual([]);
  }
});
