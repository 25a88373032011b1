import { access, mkdir, readFile, statfs, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Digest, type Source, sha256 } from "@belay/core";
import { createTestLog, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layoutIdentity } from "../layout-identity.ts";
import { type ArchiveAdoption, adoptArchive } from "./adopt-archive.ts";
import { type TarEntry, tarOf } from "./tar.fixture.ts";
import { savedConfigs } from "./unpack-image.ts";

const SOURCE: Source = { repository: "https://github.com/acme/shop", revision: "a".repeat(40) };
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

let folder: TemporaryFolder;
let layout: string;
beforeEach(async () => {
  folder = await temporaryFolder("belay-archive");
  layout = join(folder.path, "images/web");
});
afterEach(() => folder.remove());

/** What a saved image is made of, in memory. */
class Parts {
  readonly entries: TarEntry[] = [];

  put(content: string | Uint8Array) {
    const digest = sha256(content);
    this.entries.push({ name: `blobs/${digest.replace(":", "/")}`, content });
    return { digest, size: Buffer.from(content).length };
  }

  json(mediaType: string, value: object) {
    return { mediaType, ...this.put(JSON.stringify(value)) };
  }

  /** `files`: what stands for the layers' files. */
  image(files: readonly string[], more: { architecture?: string; revision?: string } = {}) {
    const { architecture = "amd64", revision = SOURCE.revision } = more;
    const labels = revision === "" ? {} : { Labels: { "org.opencontainers.image.revision": revision } };
    const diff_ids = files.map((one) => sha256(one));
    const value = { os: "linux", architecture, config: labels, rootfs: { type: "layers", diff_ids } };
    const config = this.json("application/vnd.oci.image.config.v1+json", value);
    // The first one compressed, the others not.
    const layers = files.map((one, at) =>
      at === 0
        ? { mediaType: `${LAYER}+gzip`, ...this.put(gzipSync(one)) }
        : { mediaType: LAYER, ...this.put(Buffer.from(one)) },
    );
    const manifest = this.json(MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers });
    return { ...manifest, config: config.digest, platform: { os: "linux", architecture } };
  }

  oci(...manifests: readonly object[]): TarEntry[] {
    return [...this.entries, { name: "index.json", content: JSON.stringify({ schemaVersion: 2, manifests }) }];
  }
}

function adopt(archive: string, more: Partial<ArchiveAdoption> = {}) {
  const common = { service: "web", layout, platforms: [], source: SOURCE, log: createTestLog() };
  return adoptArchive({ ...common, archive, ...more });
}

async function saved(entries: readonly TarEntry[]): Promise<string> {
  const path = join(folder.path, "image.tar");
  await writeFile(path, tarOf(entries));
  return path;
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function refused(entries: readonly TarEntry[], why: string | RegExp, more: Partial<ArchiveAdoption> = {}) {
  const path = await saved(entries);
  const failing = adopt(path, more);
  await expect(failing).rejects.toMatchObject({ code: "INVALID_INPUT", exitCode: 2 });
  await expect(failing).rejects.toThrow(why);
  await expect(failing).rejects.toThrow(`taking the image ${path} for web`);
  expect(await isThere(layout)).toBe(false);
}

describe("an OCI image layout", () => {
  it("keeps every digest, of all platforms, from an archive or a folder", async () => {
    const parts = new Parts();
    const images = [parts.image(["base", "app"]), parts.image(["base"], { architecture: "arm64" })];
    const index = parts.json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: images });
    // Named twice, as docker does for two tags.
    const entries = parts.oci(index, { ...index, annotations: { "io.containerd.image.name": "web:2" } });
    const plain = join(folder.path, "plain");
    for (const { name, content = "" } of entries) {
      await mkdir(dirname(join(plain, name)), { recursive: true });
      await writeFile(join(plain, name), content);
    }
    for (const archive of [await saved(entries), plain]) {
      const built = await adopt(archive, { platforms: ["linux/arm64/v8", "linux/amd64"] });
      expect(built).toEqual({ ids: [], digest: index.digest, tested: false });
      expect(await savedConfigs(archive)).toEqual(images.map(({ config }) => config).toSorted());
      expect(await layoutIdentity({ path: layout, digest: index.digest, platforms: [], attested: false })).toEqual({
        index: index.digest,
        platforms: {
          "linux/amd64": { config: images[0]?.config, manifest: images[0]?.digest },
          "linux/arm64": { config: images[1]?.config, manifest: images[1]?.digest },
        },
      });
      expect(await isThere(join(layout, "ingest"))).toBe(false);
    }
  });

  it("of which an engine had one platform is that one", async () => {
    const parts = new Parts();
    const amd64 = parts.image(["base"]);
    const other = { ...amd64, digest: sha256("arm64"), platform: { os: "linux", architecture: "arm64" } };
    const index = parts.json(INDEX, { manifests: [amd64, other] });
    const log = createTestLog();
    const built = await adopt(await saved(parts.oci(index)), { log });
    expect(built).toMatchObject({ digest: amd64.digest, config: amd64.config });
    expect(log.text()).toContain(`of the platforms of ${index.digest} only that of ${amd64.digest} is in it`);
    await refused(parts.oci(index), "it is for linux/amd64, and linux/arm64 is asked for", {
      platforms: ["linux/arm64"],
    });
    const [second, third] = [parts.image(["b"], { architecture: "s390x" }), other];
    const two = parts.json(INDEX, { manifests: [amd64, second, third] });
    await refused(parts.oci(two), `there is no blobs/${other.digest.replace(":", "/")} in it`);
  });

  it("is refused when a part was changed, is missing, or has another size", async () => {
    const parts = new Parts();
    const image = parts.image(["base", "app"]);
    const entries = parts.oci(image);
    for (const [at, entry] of parts.entries.entries()) {
      const changed = entries.with(at, { ...entry, content: Buffer.from(entry.content ?? "").fill("x") });
      await refused(changed, /has other content|has not the right form/);
      await refused(entries.toSpliced(at, 1), /there is no blobs|is missing/);
    }
    const layer = parts.entries.findIndex(({ content }) => content?.toString() === "app");
    const longer = entries.with(layer, { name: String(entries[layer]?.name), content: "app and more" });
    await refused(longer, "has 12 bytes and should have 3");
    const loop = { mediaType: INDEX, digest: image.digest, size: image.size };
    await refused(parts.oci(loop), /has not the right form/);
    await refused(parts.oci({ ...image, digest: "sha256:../../../etc/passwd" }), "has not the right form");
    await refused([{ name: "index.json", content: "{" }], "a document in it is no JSON");
    const far = { mediaType: MANIFEST, config: parts.put("{}"), layers: [{ digest: "sha512:x" }] };
    await refused(parts.oci(parts.json(MANIFEST, far)), "has not the right form");
  });

  it("is refused when it holds several images, none, or one of another commit", async () => {
    const parts = new Parts();
    const named = (one: object, name: string) => ({ ...one, annotations: { "io.containerd.image.name": name } });
    const [web, api] = [parts.image(["web"]), parts.image(["api"])];
    await refused(parts.oci(named(web, "web:1"), named(api, "api:1")), "it holds 2 images (web:1, api:1)");
    await refused(parts.oci(), "there is no image in it");
    const old = parts.image(["web"], { revision: "b".repeat(40), architecture: "arm64" });
    const both = parts.json(INDEX, { manifests: [web, old] });
    await refused(parts.oci(both), `its image for linux/arm64 was built from bbbb`);
    await refused(parts.oci(parts.image(["web"], { revision: "" })), "has no label org.opencontainers.image.revision");
    expect(await adopt(await saved(parts.oci(old)), { workflowSha: "b".repeat(40) })).toMatchObject({
      digest: old.digest,
    });
  });
});

describe("an archive of docker save", () => {
  const config = (files: readonly string[], more: object = {}) => ({
    os: "linux",
    architecture: "amd64",
    config: { Labels: { "org.opencontainers.image.revision": SOURCE.revision } },
    rootfs: { diff_ids: files.map((one) => sha256(one)) },
    ...more,
  });
  const save = (files: readonly TarEntry[], value: object, layers: readonly string[]): TarEntry[] => [
    ...files,
    { name: "config.json", content: JSON.stringify(value) },
    {
      name: "manifest.json",
      content: JSON.stringify([{ Config: "config.json", RepoTags: ["web:1", "web:2"], Layers: layers }]),
    },
  ];

  it("keeps its config, and its layers are compressed where they are not yet", async () => {
    const files: TarEntry[] = [
      { name: "a/layer.tar", content: "base" },
      { name: "b/layer.tar", type: "2", link: "../a/layer.tar" },
      { name: "c.tar.gz", content: gzipSync("app", { level: 1 }) },
    ];
    const value = config(["base", "base", "app"]);
    const entries = save(files, value, ["a/layer.tar", "b/layer.tar", "c.tar.gz"]);
    const built = await adopt(await saved(entries));
    const id = sha256(JSON.stringify(value));
    expect(built).toMatchObject({ config: id });
    expect(await savedConfigs(join(folder.path, "image.tar"))).toEqual([id]);
    const blob = (digest: string) => readFile(join(layout, "blobs", digest.replace(":", "/")));
    const { layers } = JSON.parse((await blob(String(built.digest))).toString());
    const digests: Digest[] = layers.map((one: { digest: Digest }) => one.digest);
    expect(digests[2]).toBe(sha256(gzipSync("app", { level: 1 })));
    const contents = await Promise.all(digests.map(async (one) => gunzipSync(await blob(one)).toString()));
    expect(contents).toEqual(["base", "base", "app"]);
    // The same archive is the same image, whenever it is taken.
    expect(await adopt(await saved(entries))).toEqual(built);
  });

  it("of a current engine with the classic store, which tells both, is compressed, too", async () => {
    const parts = new Parts();
    const value = config(["base"]);
    const saved = { config: parts.json("config", value), layers: [{ mediaType: LAYER, ...parts.put("base") }] };
    const entries = parts.oci(parts.json(MANIFEST, saved));
    const [configName = "", layerName = ""] = entries.map(({ name }) => name);
    const both = [
      ...entries,
      { name: "manifest.json", content: JSON.stringify([{ Config: configName, Layers: [layerName] }]) },
    ];
    const path = join(folder.path, "both.tar");
    await writeFile(path, tarOf(both));
    const { digest, config: id } = await adopt(path);
    expect(id).toBe(sha256(JSON.stringify(value)));
    const layers = async (root: string | undefined) =>
      JSON.parse(await readFile(join(layout, "blobs", String(root).replace(":", "/")), "utf8")).layers;
    expect(await layers(digest)).toMatchObject([{ mediaType: `${LAYER}+gzip` }]);
    await writeFile(path, tarOf(entries));
    expect(await layers((await adopt(path)).digest)).toMatchObject([{ mediaType: LAYER }]);
  });

  it("is refused when it is not what its config says, leads out of itself, or is none", async () => {
    const base = { name: "base", content: "base" };
    await refused(save([{ ...base, content: "evil" }], config(["base"]), ["base"]), "has other content");
    const broken = { ...base, content: gzipSync("base").subarray(0, 12) };
    await refused(save([broken], config(["base"]), ["base"]), "unexpected end of file");
    await refused(save([base], config(["base"]), ["../../etc/passwd"]), "the layer ../../etc/passwd is missing");
    const link = { name: "base", type: "2", link: "/etc/passwd" };
    await refused(save([link], config(["base"]), ["base"]), "the layer base is missing");
    await refused(save([base], config(["base", "app"]), ["base"]), "it holds 1 layers, and its config names 2");
    await refused(save([base], config(["base"], { config: {} }), ["base"]), "has no label");
    await refused(save([base], config(["base"], { architecture: 1 }), ["base"]), "has not the right form");
    const two = [
      { Config: "a", RepoTags: ["web:1"], Layers: [] },
      { Config: "b", RepoTags: null, Layers: [] },
    ];
    await refused([{ name: "manifest.json", content: JSON.stringify(two) }], "it holds 2 images (web:1, b)");
    await refused([{ name: "etc/passwd", content: "root" }], "it holds neither index.json nor manifest.json");
  });
});

it("whose manifests would fill the memory is refused", async () => {
  const parts = new Parts();
  const config = { mediaType: "config", ...parts.put("{}") };
  const manifests = Array.from({ length: 5 }, (_, at) => {
    const text = JSON.stringify({ at, config, layers: [] });
    return { mediaType: MANIFEST, ...parts.put(Buffer.from(text.padEnd(13 * 1024 * 1024))) };
  });
  await refused(parts.oci(parts.json(INDEX, { manifests })), "its manifests have more than 67108864 bytes");
});

it("that is larger than the disk is no wrong image, and one that only says so is", async () => {
  const { bavail, bsize } = await statfs(folder.path);
  const size = 2 * bavail * bsize + 2 ** 30;
  const value = { rootfs: { diff_ids: [sha256("base")] } };
  const named = [{ Config: "config.json", Layers: ["base"] }];
  const files: TarEntry[] = [
    { name: "config.json", content: JSON.stringify(value) },
    { name: "manifest.json", content: JSON.stringify(named) },
    { name: "base", size },
  ];
  const path = join(folder.path, "sparse.tar");
  await writeFile(path, tarOf(files, false));
  await truncate(path, size + 2 ** 20);
  const failing = adopt(path);
  await expect(failing).rejects.toMatchObject({ code: "BUILD_FAILED", got: expect.stringContaining("are free where") });
  await expect(failing).rejects.toThrow(`Make room on the disk of ${layout}`);
  expect(await isThere(layout)).toBe(false);
  const parts = new Parts();
  const [config, layer] = [parts.json("config", value), { mediaType: LAYER, ...parts.put("base"), size }];
  await refused(parts.oci(parts.json(MANIFEST, { config, layers: [layer] })), "has 4 bytes and should have");
});

it("that is not there, or is no archive, is told; and a run that is cancelled ends", async () => {
  await expect(adopt(join(folder.path, "none.tar"))).rejects.toThrow("there is no such file");
  await expect(adopt(folder.path)).rejects.toThrow("it holds neither index.json nor manifest.json");
  await expect(adopt("/dev/zero")).rejects.toThrow("it is neither a file nor a folder");
  const parts = new Parts();
  const path = await saved(parts.oci(parts.image(["base"])));
  const signal = AbortSignal.abort(new Error("the job was cancelled"));
  await expect(adopt(path, { signal })).rejects.toThrow("the job was cancelled");
  // What is not Belay's stays.
  await mkdir(layout, { recursive: true });
  await writeFile(join(layout, "Dockerfile"), "FROM scratch");
  await expect(adopt(path)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await readFile(join(layout, "Dockerfile"), "utf8")).toBe("FROM scratch");
});
