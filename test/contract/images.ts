import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Digest, ImageIdentity } from "@belay/core";
import { createRunner, Redactor } from "@belay/core";
import { BASE_IMAGES, baseImageArchive, type RegistryRig, temporaryFolder } from "@belay/testkit";
import { type Variant, type VariantName, variantOf } from "./variants.ts";

/** Images of the contract suite at a registry, made on demand. */
export interface ImageCatalogue {
  /** Pushes the variant unless it is there. `missing` is answered with a digest that the registry does not have. */
  identity(name: VariantName): Promise<ImageIdentity>;
  /** The registry deletes its manifest, and nobody pushes it again. For a variant that no other test uses. */
  lose(name: VariantName): Promise<void>;
}

const MEDIA = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

interface Content {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

interface Layer extends Content {
  /** Digest of the layer before it was compressed. */
  readonly diff: Digest;
}

/**
 * Images of busybox alone, put into the registry by its HTTP API: no engine has to build or push them, and each engine
 * pulls what it runs, as on a real target. `tagOf`: what each is called there; default its variant.
 */
export async function openCatalogue(
  registry: Pick<RegistryRig, "address" | "url">,
  tagOf: (name: VariantName) => string = (name) => name,
): Promise<ImageCatalogue> {
  const path = "belay-test/contract";
  const layer = await busyboxLayer();
  const upload = (content: Content): Promise<void> => putBlob(`${registry.url}/v2/${path}`, content);
  await upload(layer);
  const made = new Map<VariantName, Promise<ImageIdentity>>();
  const make = async (name: VariantName): Promise<ImageIdentity> => {
    const tag = tagOf(name);
    const config = blobOf(imageConfig(variantOf(name), layer));
    const manifest = blobOf({
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: { mediaType: MEDIA.config, ...descriptor(config) },
      layers: [{ mediaType: MEDIA.layer, ...descriptor(layer) }],
    });
    if (name !== "missing") {
      await upload(config);
      await put(`${registry.url}/v2/${path}/manifests/${tag}`, manifest.bytes, MEDIA.manifest);
    }
    const platforms = { [PLATFORM]: { config: config.digest, manifest: manifest.digest } };
    return { repository: `${registry.address}/${path}`, digest: manifest.digest, tags: [tag], platforms };
  };
  const identity = (name: VariantName): Promise<ImageIdentity> => {
    const known = made.get(name) ?? make(name);
    made.set(name, known);
    return known;
  };
  return {
    identity,
    lose: async (name) => {
      const { digest } = await identity(name);
      const { status } = await fetch(`${registry.url}/v2/${path}/manifests/${digest}`, { method: "DELETE" });
      if (status !== 202) throw new Error(`the registry does not delete ${digest}: ${status}`);
    },
  };
}

const run = createRunner(new Redactor());
const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "amd64";
const PLATFORM = `linux/${ARCHITECTURE}`;

/** An image's config, as the engines of the two image stores and containerd read it, with the health check in it. */
function imageConfig({ name, command, health }: Variant, layer: Layer): object {
  const url = `http://127.0.0.1:8080${health?.path}`;
  const check = health && {
    Test: ["CMD", "wget", "-q", "-O-", url],
    Interval: health.intervalMs * 1e6,
    Timeout: health.timeoutMs * 1e6,
    StartPeriod: health.startMs * 1e6,
    Retries: health.retries,
  };
  const created = "2026-01-01T00:00:00Z";
  return {
    architecture: ARCHITECTURE,
    os: "linux",
    created,
    config: {
      Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", `VARIANT=${name}`],
      Cmd: command,
      WorkingDir: "/",
      ...(check === undefined ? {} : { Healthcheck: check }),
    },
    rootfs: { type: "layers", diff_ids: [layer.diff] },
    history: [{ created, created_by: "belay contract suite" }],
  };
}

/** The layer of the busybox base image, out of the archive that `docker save` would write. */
async function busyboxLayer(): Promise<Layer> {
  const archive = await baseImageArchive();
  const { stdout } = await run("tar", ["-xOf", archive, "./manifest.json"]);
  const images = JSON.parse(stdout) as { RepoTags: string[]; Layers: string[] }[];
  const file = images.find((one) => one.RepoTags.includes(BASE_IMAGES.busybox))?.Layers[0];
  if (file === undefined) throw new Error(`${archive} has no image ${BASE_IMAGES.busybox}`);
  const tar = await extract(archive, file);
  const bytes = await promisify(gzip)(tar, { level: 1 });
  return { digest: sha256(bytes), bytes, diff: sha256(tar) };
}

async function extract(archive: string, file: string): Promise<Uint8Array> {
  await using folder = await temporaryFolder("belay-contract-layer");
  await run("tar", ["-C", folder.path, "-xf", archive, `./${file}`]);
  return readFile(join(folder.path, file));
}

function blobOf(content: object): Content {
  const bytes = Buffer.from(JSON.stringify(content));
  return { digest: sha256(bytes), bytes };
}

function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function descriptor({ digest, bytes }: Content): { readonly digest: Digest; readonly size: number } {
  return { digest, size: bytes.byteLength };
}

/** One blob in one upload (distribution-spec, "Pushing a blob monolithically"). */
async function putBlob(base: string, { digest, bytes }: Content): Promise<void> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  const location = begun.headers.get("location");
  if (begun.status !== 202 || location === null) throw new Error(`the registry takes no upload: ${begun.status}`);
  const url = new URL(location, base);
  url.searchParams.set("digest", digest);
  await put(url.href, bytes, "application/octet-stream");
}

async function put(url: string, bytes: Uint8Array, type: string): Promise<void> {
  const answer = await fetch(url, { method: "PUT", headers: { "content-type": type }, body: Buffer.from(bytes) });
  if (answer.status !== 201) throw new Error(`PUT ${url}: ${answer.status} ${await answer.text()}`);
}
