import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeLayer } from "../rig/make-base-images.ts";
import { run } from "../rig/run.ts";
import { digestOfBytes, RegistryUpload } from "./registry-upload.ts";

/** Path in the image (without the first slash) and content. */
export type ImageFiles = Readonly<Record<string, string | Uint8Array>>;

/** What the Dockerfile would have said beside files. */
export interface ImageSettings {
  /** `NAME=value`. */
  readonly env?: readonly string[];
  /** Commands that a shell ran, as the history has them. */
  readonly ran?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** When it was made. Default 2026-01-01. */
  readonly created?: string;
}

export interface LayoutPlatform {
  readonly manifest: string;
  readonly config: string;
}

/** An image on disk, as OCI image layout. */
export interface ImageLayout {
  readonly path: string;
  /** Digest that a registry serves for it: of the index when there are several platforms. */
  readonly digest: string;
  readonly platforms: Readonly<Record<string, LayoutPlatform>>;
  /** Pushes it to a registry without a login. Gives `HOST:PORT/repository@sha256:…`. */
  push(url: string, repository: string): Promise<string>;
  /** Packs its only platform as `docker load` and `trivy image --input` want it, and gives that file's path. */
  archive(tag?: string): Promise<string>;
}

const TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Makes an image without any engine or network: one layer per list entry, per platform. With several platforms it is
 * nested as BuildKit's `type=oci` writes it: `index.json` names an index, which names the manifests. `attest`: with an
 * attestation manifest for each, as BuildKit adds them for provenance.
 */
export async function makeImageLayout(
  path: string,
  platforms: Readonly<Record<string, readonly ImageFiles[]>>,
  settings: ImageSettings & { readonly attest?: boolean } = {},
): Promise<ImageLayout> {
  await mkdir(join(path, "blobs", "sha256"), { recursive: true });
  const made: (Descriptor & { readonly config: string; readonly name: string })[] = [];
  for (const [name, layers] of Object.entries(platforms)) made.push(await makePlatform(path, name, layers, settings));
  const manifests: Descriptor[] = made.map(({ config: _config, name: _name, ...descriptor }) => descriptor);
  if (settings.attest) for (const { digest } of made) manifests.push(await putAttestation(path, digest));
  const top =
    manifests.length > 1
      ? await put(path, TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests })
      : manifests[0];
  if (top === undefined) throw new Error("an image needs a platform");
  await writeFile(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const entry = JSON.stringify({ schemaVersion: 2, mediaType: TYPES.index, manifests: [top] });
  await writeFile(join(path, "index.json"), entry);
  return {
    path,
    digest: top.digest,
    platforms: Object.fromEntries(made.map(({ name, digest, config }) => [name, { manifest: digest, config }])),
    push: (url, repository) => pushLayout(path, [...manifests, top], url, repository),
    archive: (tag) => packArchive(path, top.digest, tag),
  };
}

async function makePlatform(
  path: string,
  name: string,
  layers: readonly ImageFiles[],
  { env = [], ran = [], labels, created = "2026-01-01T00:00:00Z" }: ImageSettings,
) {
  const [os = "", architecture = ""] = name.split("/");
  const tars: Descriptor[] = [];
  for (const files of layers) tars.push(await makeFilesLayer(path, files));
  const config = await put(path, TYPES.config, {
    architecture,
    os,
    created,
    config: {
      Env: ["PATH=/usr/bin:/bin", ...env],
      WorkingDir: "/",
      ...(labels === undefined ? {} : { Labels: labels }),
    },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => tar.digest) },
    history: [
      ...tars.map((_tar, index) => ({ created, created_by: `COPY part-${index + 1} / # belay test image` })),
      ...ran.map((one) => ({ created, created_by: `RUN /bin/sh -c ${one} # buildkit`, empty_layer: true })),
      ...env.map((one) => ({ created, created_by: `ENV ${one}`, empty_layer: true })),
    ],
  });
  const manifest = { schemaVersion: 2, mediaType: TYPES.manifest, config, layers: tars };
  const descriptor = await put(path, TYPES.manifest, manifest);
  return { ...descriptor, platform: { os, architecture }, config: config.digest, name };
}

/** BuildKit, "Attestation storage": a manifest of the platform `unknown/unknown` that names the one it speaks of. */
async function putAttestation(path: string, subject: string): Promise<Descriptor> {
  const statement = { _type: "https://in-toto.io/Statement/v0.1", subject: [{ digest: { sha256: subject.slice(7) } }] };
  const layer = await put(path, "application/vnd.in-toto+json", statement);
  const config = await put(path, TYPES.config, {
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = { schemaVersion: 2, mediaType: TYPES.manifest, config, layers: [layer] };
  const annotations = {
    "vnd.docker.reference.digest": subject,
    "vnd.docker.reference.type": "attestation-manifest",
  };
  const platform = { os: "unknown", architecture: "unknown" };
  return { ...(await put(path, TYPES.manifest, manifest)), annotations, platform };
}

async function makeFilesLayer(path: string, files: ImageFiles): Promise<Descriptor> {
  const root = join(path, "making");
  await mkdir(root);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, dirname(name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  const tar = join(path, "made.tar");
  await makeLayer(root, tar);
  return putBytes(path, TYPES.layer, await readFile(tar));
}

function put(path: string, mediaType: string, value: unknown): Promise<Descriptor> {
  return putBytes(path, mediaType, Buffer.from(JSON.stringify(value)));
}

async function putBytes(path: string, mediaType: string, bytes: Buffer): Promise<Descriptor> {
  const digest = digestOfBytes(bytes);
  await writeFile(blobPath(path, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

function blobPath(path: string, digest: string): string {
  return join(path, "blobs", ...digest.split(":"));
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

async function pushLayout(path: string, tops: readonly Descriptor[], url: string, repository: string): Promise<string> {
  const registry = new RegistryUpload(url, repository);
  for (const top of tops) {
    const bytes = await readFile(blobPath(path, top.digest));
    if (top.mediaType === TYPES.manifest) {
      const { config, layers } = JSON.parse(bytes.toString()) as Manifest;
      for (const part of [config, ...layers]) await registry.blob(await readFile(blobPath(path, part.digest)));
    }
    await registry.manifest(top.digest, top.mediaType, bytes);
  }
  return `${new URL(url).host}/${repository}@${tops.at(-1)?.digest}`;
}

async function packArchive(path: string, digest: string, tag: string | undefined): Promise<string> {
  const { config, layers } = JSON.parse(await readFile(blobPath(path, digest), "utf8")) as Manifest;
  const entry = {
    Config: `blobs/${config.digest.replace(":", "/")}`,
    RepoTags: tag === undefined ? [] : [tag],
    Layers: layers.map((layer) => `blobs/${layer.digest.replace(":", "/")}`),
  };
  await writeFile(join(path, "manifest.json"), JSON.stringify([entry]));
  const archive = `${path}.tar`;
  await run("tar", ["-C", path, "-cf", archive, "manifest.json", "blobs"], { doing: "packing an image archive" });
  return archive;
}
