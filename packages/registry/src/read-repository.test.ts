import { sha256, systemClock } from "@belay/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { attachArtifact } from "./attach-artifact.ts";
import { chooseImages, manifestsToDelete } from "./choose-images.ts";
import { MEDIA_TYPES } from "./manifest.ts";
import { readRepository } from "./read-repository.ts";
import { RELEASE_ARTIFACT } from "./release-referrer.ts";
import { clientFor } from "./testing/client-for.ts";
import { type FakeRegistry, startFakeRegistry } from "./testing/fake-registry.ts";

let registry: FakeRegistry;
beforeEach(async () => {
  registry = await startFakeRegistry({ referrers: true });
});
afterEach(() => registry[Symbol.asyncDispose]());

/** Every image of `shop`, and what of them would go, all of which are old enough. */
async function look() {
  const { client, log } = clientFor();
  try {
    const images = await readRepository(client, `${registry.address}/shop`, log);
    const aged = images.map((image) => ({ createdAt: "2026-01-01T00:00:00Z", ...image }));
    const choices = chooseImages({ images: aged, needed: new Map(), last: 0 });
    return { images, choices, deleted: manifestsToDelete(choices) };
  } finally {
    client.close();
  }
}

it("keeps the tagged platform of an index that can't be read whole", async () => {
  const { manifest: part } = registry.addImage("shop", "sha-0123456", "linux/arm64");
  const index = registry.addIndex("shop", "main", ["linux/amd64", "linux/arm64"]);
  for (const tag of ["main-linux-amd64", "main-linux-arm64"]) registry.manifests.delete(`shop/${tag}`);
  registry.fault({ when: new RegExp(`/referrers/${index}`), status: 403 });
  const { images, choices, deleted } = await look();
  const top = images.find(({ digest }) => digest === index);
  expect(top?.unreadable).toContain("403");
  expect(top?.partsUnknown).toBeUndefined();
  expect([...(top?.manifests.keys() ?? [])]).toContain(part);
  expect(choices.find(({ image }) => image.digest === part)).toMatchObject({
    keep: true,
    why: "it is a part of an image that is kept",
  });
  expect(deleted).toEqual([]);
});

it("keeps the tagged platform of an index in an index", async () => {
  const { manifest: part } = registry.addImage("shop", "sha-0123456", "linux/arm64");
  const inner = registry.addIndex("shop", "inner", ["linux/arm64"]);
  const entry = { mediaType: MEDIA_TYPES.ociIndex, digest: inner, size: 1 };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  registry.manifests.set("shop/main", { mediaType: MEDIA_TYPES.ociIndex, bytes });
  for (const tag of ["inner", "inner-linux-arm64"]) registry.manifests.delete(`shop/${tag}`);
  const { images, deleted } = await look();
  expect(images.map(({ unreadable }) => unreadable)).toEqual([undefined, undefined]);
  expect([...(images.find(({ tags }) => tags.includes("main"))?.manifests.keys() ?? [])]).toContain(part);
  expect(deleted).toEqual([]);
});

it.each([
  ["is no JSON", "{"],
  [
    "has an index in it, which can't be read",
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: MEDIA_TYPES.ociIndex, digest: sha256("no JSON"), size: 7 }],
    }),
  ],
  ["has an entry that can't be read", JSON.stringify({ schemaVersion: 2, manifests: [{ digest: "sha256:1" }] })],
])("deletes nothing beside an index that %s", async (_what, text) => {
  registry.addImage("shop", "sha-0123456", "linux/arm64");
  registry.addImage("shop", "main", "linux/amd64");
  const broken = { mediaType: MEDIA_TYPES.ociIndex, bytes: Buffer.from("no JSON") };
  registry.manifests.set(`shop/${sha256("no JSON")}`, broken);
  registry.fault({ when: /referrers/, status: 404 });
  registry.fault({ when: /manifests\/main$/, headers: { "Content-Type": MEDIA_TYPES.ociIndex }, body: text });
  const { images, deleted } = await look();
  expect(images.filter(({ partsUnknown }) => partsUnknown === true).map(({ tags }) => tags)).toEqual([["main"]]);
  expect(deleted).toEqual([]);
});

it("tells what hangs on a platform from what hangs on the image itself", async () => {
  const index = registry.addIndex("shop", "sha-0123456", ["linux/amd64"]);
  const { client, log } = clientFor();
  const repository = `${registry.address}/shop`;
  try {
    const platform = (await client.manifest(repository, "sha-0123456-linux-amd64"))?.digest;
    const refer = async (subject: string | undefined, tag: string): Promise<string | undefined> => {
      const config = { mediaType: MEDIA_TYPES.empty, digest: index, size: 2 };
      const of = { mediaType: MEDIA_TYPES.ociIndex, digest: subject, size: 1 };
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [], subject: of, note: tag }));
      registry.manifests.set(`shop/${tag}`, { mediaType: MEDIA_TYPES.ociManifest, bytes });
      const stored = await client.manifest(repository, tag);
      registry.manifests.delete(`shop/${tag}`);
      registry.manifests.set(`shop/${stored?.digest}`, { mediaType: MEDIA_TYPES.ociManifest, bytes });
      return stored?.digest;
    };
    const [own, itsPlatforms] = [await refer(index, "a"), await refer(platform, "b")];
    const images = await readRepository(client, repository, log);
    const image = images.find(({ digest }) => digest === index);
    expect([...(image?.attached.keys() ?? [])]).toEqual([own, itsPlatforms]);
    expect([...(image?.attachedToParts ?? [])]).toEqual([itsPlatforms]);
    expect(image).not.toHaveProperty("pushedAt");
  } finally {
    client.close();
  }
});

it("tells when an image was pushed, by the youngest release beside it", async () => {
  const { manifest: subject } = registry.addImage("shop", "sha-0123456", "linux/amd64");
  const { client, log } = clientFor();
  const repository = `${registry.address}/shop`;
  const attach = (artifactType: string, created: string) => {
    const annotations = { "org.opencontainers.image.created": created };
    const artifact = { artifactType, bytes: Buffer.from(created), annotations };
    return attachArtifact({ registry: client, repository, subject, artifact, clock: systemClock, log });
  };
  try {
    await attach(RELEASE_ARTIFACT, "2026-02-02T00:00:00Z");
    await attach(RELEASE_ARTIFACT, "2026-03-03T00:00:00Z");
    await attach(RELEASE_ARTIFACT, "2026-01-01T00:00:00Z");
    await attach(RELEASE_ARTIFACT, "lately");
    await attach("application/vnd.cyclonedx+json", "2026-04-04T00:00:00Z");
    const [image] = await readRepository(client, repository, log);
    expect(image?.pushedAt).toBe("2026-03-03T00:00:00.000Z");
  } finally {
    client.close();
  }
});
