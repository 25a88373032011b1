import { createRelease, type Digest, type Release, releaseDigest, sha256 } from "@belay/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MEDIA_TYPES } from "./manifest.ts";
import { attachRelease, findRelease, RELEASE_ARTIFACT } from "./release-referrer.ts";
import { clientFor, type TestClient } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

let registry: FakeRegistry;
let test: TestClient;

afterEach(async () => {
  test.client.close();
  await registry[Symbol.asyncDispose]();
});

async function start(referrers: boolean): Promise<void> {
  registry = await startFakeRegistry({ referrers });
  test = clientFor();
}

function releaseFor(digest: Digest, createdAt = "2026-01-01T00:00:00.000Z"): Release {
  const platforms = { "linux/amd64": {} };
  const web = { repository: `${registry.address}/web`, platforms, digest, tags: ["v1"] };
  const cache = { repository: "docker.io/library/redis", platforms: {}, digest, tags: [] };
  const source = { repository: "https://github.com/acme/shop", revision: "a".repeat(40), title: "größe ✓" };
  return createRelease({
    stage: "push",
    application: "shop",
    source,
    services: { cache, web },
    evidence: {},
    createdAt,
  });
}

const attach = (release: Release) =>
  attachRelease({ release, registry: test.client, clock: test.clock, log: test.log });
const find = (reference: string) => findRelease(test.client, `${registry.address}/${reference}`, test.log);
const fallback = (digest: Digest) => registry.manifests.get(`web/${digest.replace(":", "-")}`);

describe.each([true, false])("a release beside its image (referrers API: %j)", (referrers) => {
  it("is found by tag and by digest, whole", async () => {
    await start(referrers);
    const { manifest } = registry.addImage("web", "v1", "web");
    const release = releaseFor(manifest);
    expect(Object.keys(await attach(release))).toEqual(["web"]);
    expect(await find("web:v1")).toEqual({ release, digest: releaseDigest(release), image: manifest });
    expect(await find(`web@${manifest}`)).toMatchObject({ digest: releaseDigest(release) });
    expect(registry.blobs.has(`web/${releaseDigest(release)}`)).toBe(true);
    expect(fallback(manifest) === undefined).toBe(referrers);
  });

  it("may be attached twice, and the youngest of several is found", async () => {
    await start(referrers);
    const { manifest } = registry.addImage("web", "v1", "web");
    const young = releaseFor(manifest, "2026-03-01T00:00:00.000Z");
    for (const release of [young, releaseFor(manifest), young]) await attach(release);
    expect((await find("web:v1"))?.release).toEqual(young);
    const listed = fallback(manifest)?.bytes.toString() ?? "";
    expect(listed.split(RELEASE_ARTIFACT)).toHaveLength(referrers ? 1 : 3);
  });

  it("is not there for an image that nobody attached one to, or that is not there", async () => {
    await start(referrers);
    registry.addImage("web", "v1", "web");
    expect(await find("web:v1")).toBeUndefined();
    expect(await find("web:none")).toBeUndefined();
  });
});

describe("the fallback tag", () => {
  it("may list what says nothing about the image, which is passed over", async () => {
    await start(false);
    const { manifest } = registry.addImage("web", "v1", "web");
    const other = registry.addImage("web", "v2", "another").manifest;
    const release = releaseFor(manifest);
    await attach(release);
    const listing = fallback(manifest);
    if (listing !== undefined) registry.manifests.set(`web/${other.replace(":", "-")}`, listing);
    expect(await find("web:v1")).toBeDefined();
    expect(await find("web:v2")).toBeUndefined();
    registry.blobs.delete(`web/${releaseDigest(release)}`);
    expect(await find("web:v1")).toBeUndefined();
  });

  it("may list a document that is no release, which is told and passed over", async () => {
    await start(false);
    const { manifest } = registry.addImage("web", "v1", "web");
    await attach({ ...releaseFor(manifest), schema: "belay.release/v9" } as unknown as Release);
    expect(await find("web:v1")).toBeUndefined();
    expect(test.log.text()).toContain("belay.release/v9");
  });

  it("is written again when another run's write pushed the entry out", async () => {
    await start(false);
    const { manifest } = registry.addImage("web", "v1", "web");
    const tag = `web/${manifest.replace(":", "-")}`;
    let stolen = 0;
    registry.onPut = (reference) => {
      if (reference.startsWith("sha256-") && stolen++ < 2) registry.manifests.delete(tag);
    };
    await attach(releaseFor(manifest));
    expect(stolen).toBe(3);
    expect(await find("web:v1")).toBeDefined();
  });

  it("that others never leave alone is told, and fails nothing", async () => {
    await start(false);
    const { manifest } = registry.addImage("web", "v1", "web");
    registry.onPut = (reference) => {
      if (reference.startsWith("sha256-")) registry.manifests.delete(`web/${reference}`);
    };
    await attach(releaseFor(manifest));
    expect(test.log.text()).toContain("does not list it");
  });
});

describe("a broken document beside an image", () => {
  const VALID = { mediaType: RELEASE_ARTIFACT, size: 2 };

  /** Something else under the release's kind, listed before or after it. */
  function list(image: Digest, text: string, place: "before" | "after"): Digest {
    const bytes = Buffer.from(text);
    const entry = {
      ...VALID,
      mediaType: MEDIA_TYPES.ociManifest,
      digest: sha256(bytes),
      artifactType: RELEASE_ARTIFACT,
    };
    registry.manifests.set(`web/${entry.digest}`, { mediaType: MEDIA_TYPES.ociManifest, bytes });
    const tag = `web/${image.replace(":", "-")}`;
    const manifests = JSON.parse(fallback(image)?.bytes.toString() ?? '{"manifests":[]}').manifests;
    const all = place === "before" ? [entry, ...manifests] : [...manifests, entry];
    const index = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: all });
    registry.manifests.set(tag, { mediaType: MEDIA_TYPES.ociIndex, bytes: Buffer.from(index) });
    return entry.digest;
  }

  const layer = (digest: Digest): string => JSON.stringify({ layers: [{ ...VALID, digest }] });

  beforeEach(() => start(false));

  it.each<[string, () => string, string]>([
    ["no manifest", () => "no manifest", "is no JSON object"],
    ["a list", () => "null", "is no JSON object"],
    ["content under another's digest", () => served("web", "{}", sha256("other")), "the content that came is"],
    ["what fills the memory", () => served("web", " ".repeat(17 << 20)), "the answer is larger"],
    ["a document that is none", () => served("web", "\u0000{"), "reading the release"],
  ])("that is %s is told and passed over", async (_what, text, words) => {
    const { manifest } = registry.addImage("web", "v1", "web");
    const release = releaseFor(manifest);
    await attach(release);
    for (const place of ["before", "after"] as const) list(manifest, text(), place);
    expect((await find("web:v1"))?.release).toEqual(release);
    expect(test.log.text()).toContain(words);
  });

  function served(repository: string, text: string, digest = sha256(text)): string {
    registry.blobs.set(`${repository}/${digest}`, Buffer.from(text));
    return layer(digest);
  }

  it("is an error where there is no good one", async () => {
    const { manifest } = registry.addImage("web", "v1", "web");
    const digest = list(manifest, "no manifest", "after");
    await expect(find("web:v1")).rejects.toMatchObject({
      code: "REGISTRY_ERROR",
      got: expect.stringContaining(digest),
    });
  });

  it("is none that the registry only fails to give now: it may be the youngest", async () => {
    const { manifest } = registry.addImage("web", "v1", "web");
    await attach(releaseFor(manifest));
    const digest = list(manifest, "{}", "after");
    registry.fault({ when: new RegExp(`manifests/${digest}`), status: 503 });
    await expect(find("web:v1")).rejects.toMatchObject({ code: "REGISTRY_ERROR", status: 503 });
  });
});

it("is refused for an image that was not pushed", async () => {
  await start(true);
  await expect(attach(releaseFor(`sha256:${"0".repeat(64)}`))).rejects.toThrow("Push it first");
});
