import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRelease, type Digest, type ImageIdentity, type Release } from "@belay/core";
import { type ImageLayout, makeImageLayout, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PushReleaseOptions, pushRelease } from "./push-release.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

const SHA_TAG = "sha-0123456789ab";
const COMMON = { "usr/share/common": "the same in every image" };
let registry: FakeRegistry;
let test: TestClient;
let folder: TemporaryFolder;

beforeEach(async () => {
  registry = await startFakeRegistry();
  test = clientFor();
  folder = await temporaryFolder();
});
afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
  await folder.remove();
});

function build(name: string, platforms = ["linux/amd64", "linux/arm64"]): Promise<ImageLayout> {
  const files = platforms.map((platform) => [platform, [COMMON, { "app/name": `${name} for ${platform}` }]] as const);
  return makeImageLayout(join(folder.path, name), Object.fromEntries(files), { attest: platforms.length > 1 });
}

function identityOf(name: string, layout: ImageLayout): ImageIdentity {
  const several = Object.keys(layout.platforms).length > 1;
  return {
    repository: `${registry.address}/${name}`,
    platforms: layout.platforms as ImageIdentity["platforms"],
    ...(several ? { index: layout.digest as Digest } : {}),
    tags: [SHA_TAG, "main"],
  };
}

function releaseOf(services: Record<string, ImageIdentity>): Release {
  const source = { repository: "", revision: "0123456789ab".padEnd(40, "0") };
  return createRelease({ stage: "build", application: "shop", source, services, evidence: {}, createdAt: "2026" });
}

function push(services: Record<string, ImageIdentity>, more: Partial<PushReleaseOptions> = {}): Promise<Release> {
  const { client, auth, log, clock } = test;
  const docker = (): never => {
    throw new Error("the engine is not needed");
  };
  const layoutOf = async (service: string) => join(folder.path, service);
  return pushRelease({ release: releaseOf(services), docker, layoutOf, registry: client, auth, log, clock, ...more });
}

const tagsOf = (name: string) =>
  [...registry.manifests.keys()].filter((key) => !/@?sha256:/.test(key) && key.startsWith(name));
const puts = () =>
  registry.requests.filter((line) => /^PUT .*manifests/.test(line)).map((line) => line.split("/").at(-1));

describe("an image on disk", () => {
  it("is pushed as it is, attestations before their index, and the tags last", async () => {
    const layout = await build("web");
    const pushed = await push({ web: identityOf("web", layout) });
    expect(pushed.services.web).toMatchObject({
      digest: layout.digest,
      index: layout.digest,
      platforms: layout.platforms,
    });
    const [amd, arm, ...rest] = puts();
    expect([amd, arm]).toEqual(Object.values(layout.platforms).map(({ manifest }) => manifest));
    expect(rest).toEqual([expect.any(String), expect.any(String), layout.digest, SHA_TAG, "main"]);
    const served = registry.manifests.get(`web/${SHA_TAG}`)?.bytes;
    expect(served).toEqual(await readFile(join(layout.path, "blobs", ...layout.digest.split(":"))));
    expect(test.log.text()).toMatch(/web: pushing linux\/amd64, linux\/arm64 as built, \d+ blobs, [\d.]+ kB, to /);
  });

  it("of one platform has a manifest under its tag", async () => {
    const layout = await build("web", ["linux/amd64"]);
    const pushed = await push({ web: identityOf("web", layout) });
    expect(pushed.services.web?.digest).toBe(layout.digest);
    expect(pushed.services.web).not.toHaveProperty("index");
  });

  it("shares its layers with its siblings: each is uploaded once and mounted elsewhere", async () => {
    const [web, api] = [await build("web"), await build("api")];
    await push({ web: identityOf("web", web), api: identityOf("api", api) });
    const uploaded = registry.requests.flatMap((line) => /^PUT .*digest=(\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(uploaded).size).toBe(uploaded.length);
    expect(registry.requests.filter((line) => line.includes("mount=")).length).toBeGreaterThan(0);
    expect(test.log.text()).toContain("mounted from");
  });

  it("goes on where an earlier push ended", async () => {
    const image = identityOf("web", await build("web"));
    registry.fault({ when: /^PUT .*manifests\/sha256/, status: 400, times: 1 });
    await expect(push({ web: image })).rejects.toMatchObject({ code: "REGISTRY_ERROR" });
    expect(tagsOf("web")).toEqual([]);
    registry.requests.length = 0;
    await push({ web: image });
    expect(registry.requests.filter((line) => /^(POST|PATCH|PUT .*uploads)/.test(line))).toEqual([]);
    expect(tagsOf("web")).toEqual([`web/${SHA_TAG}`, "web/main"]);
  });
});

describe("an image on disk that is not the release's", () => {
  const layerOf = async (layout: ImageLayout): Promise<string> => {
    const manifest = await readFile(blob(layout, Object.values(layout.platforms)[0]?.manifest ?? ""), "utf8");
    return blob(layout, (JSON.parse(manifest) as { layers: { digest: string }[] }).layers[0]?.digest ?? "");
  };
  const blob = (layout: ImageLayout, digest: string) => join(layout.path, "blobs", ...digest.split(":"));

  it("because it was built again is refused before anything is pushed", async () => {
    const image = identityOf("web", await build("web"));
    await rm(join(folder.path, "web"), { recursive: true });
    await makeImageLayout(join(folder.path, "web"), { "linux/amd64": [{ a: "b" }], "linux/arm64": [{ a: "c" }] });
    await expect(push({ web: image })).rejects.toMatchObject({
      code: "IDENTITY_MISMATCH",
      message: expect.stringContaining("belongs to another build"),
    });
    expect(registry.blobs.size).toBe(0);
  });

  it("because it lacks a platform is refused", async () => {
    const image = identityOf("web", await build("web"));
    const { index: _index, ...rest } = image;
    await rm(join(folder.path, "web"), { recursive: true });
    await build("web", ["linux/amd64"]);
    await expect(push({ web: rest })).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
  });

  it.each([
    ["changed", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(1)]), "its content is"],
    ["shortened", (bytes: Buffer) => bytes.subarray(0, 10), "has 10 bytes and should have"],
  ])("because a layer was %s gets no tag", async (_name, change, words) => {
    const layout = await build("web");
    const path = await layerOf(layout);
    await writeFile(path, change(await readFile(path)));
    await expect(push({ web: identityOf("web", layout) })).rejects.toMatchObject({
      code: "RELEASE_INVALID",
      message: expect.stringContaining(words),
    });
    expect(registry.manifests.size).toBe(0);
  });

  it("because a manifest or the whole layout is gone is refused", async () => {
    const layout = await build("web");
    const image = identityOf("web", layout);
    await rm(blob(layout, Object.values(layout.platforms)[0]?.manifest ?? ""));
    await expect(push({ web: image })).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    await rm(layout.path, { recursive: true });
    await expect(push({ web: image })).rejects.toMatchObject({ code: "RELEASE_INVALID" });
    expect(registry.blobs.size).toBe(0);
  });

  it("because it holds two images is refused", async () => {
    const layout = await build("web");
    const other = await build("api");
    const index = join(layout.path, "index.json");
    const both = [
      JSON.parse(await readFile(index, "utf8")),
      JSON.parse(await readFile(join(other.path, "index.json"), "utf8")),
    ];
    await writeFile(index, JSON.stringify({ ...both[0], manifests: both.flatMap(({ manifests }) => manifests) }));
    await expect(push({ web: identityOf("web", layout) })).rejects.toMatchObject({ code: "RELEASE_INVALID" });
  });
});

describe("a SHA tag that somebody else moves during the push", () => {
  it("before ours is put is found, and theirs stays", async () => {
    const layout = await build("web");
    let theirs: string | undefined;
    registry.onPut = (reference) => {
      if (reference === layout.digest) theirs = registry.addImage("web", SHA_TAG, "theirs").manifest;
    };
    await expect(push({ web: identityOf("web", layout) })).rejects.toMatchObject({
      code: "TAG_TAKEN",
      message: expect.stringContaining("somebody put it there during this push"),
    });
    expect((await test.client.manifest(`${registry.address}/web`, SHA_TAG))?.digest).toBe(theirs);
    expect(tagsOf("web")).toEqual([`web/${SHA_TAG}`]);
  });

  it("to the very same image is no harm", async () => {
    const layout = await build("web");
    registry.onPut = (reference) => {
      const ours = registry.manifests.get(`web/${layout.digest}`);
      if (reference === layout.digest && ours) registry.manifests.set(`web/${SHA_TAG}`, ours);
    };
    expect((await push({ web: identityOf("web", layout) })).services.web?.digest).toBe(layout.digest);
  });

  it("after ours was put is found when it is read back", async () => {
    const layout = await build("web");
    registry.onPut = (reference) => {
      if (reference === SHA_TAG) registry.addImage("web", SHA_TAG, "theirs");
    };
    await expect(push({ web: identityOf("web", layout) })).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
    expect(registry.manifests.has("web/main")).toBe(false);
  });
});
