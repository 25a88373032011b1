import { type Digest, oneLine, sha256 } from "@belay/core";
import type { LayoutDescriptor } from "@belay/core/oci-layout";
import { z } from "zod";
import { DIGEST } from "./documents.ts";
import { type ImageFile, type ImageFiles, readDocument } from "./image-files.ts";
import type { Blob, LayoutWriter } from "./layout-writer.ts";

/** `manifest.json` of `docker save` (moby, `image/tarexport`), as podman, kaniko, Jib, Bazel and Nix write it too. */
const SAVED = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()),
  }),
);
const CONFIG = z.object({ rootfs: z.object({ diff_ids: z.array(DIGEST) }) });

const TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/**
 * Makes an OCI image of one of `docker save`. Its config stays, and with it the image's ID; every layer is held against it.
 * The manifest is made here, as a push would make it.
 * @throws Error when there are several images, or a part is missing or has other content
 */
export async function convertDocker(
  files: ImageFiles,
  layout: LayoutWriter,
): Promise<{ readonly root: LayoutDescriptor }> {
  const { image, config } = await readSaved(files);
  const { diff_ids } = CONFIG.parse(JSON.parse(config.toString("utf8"))).rootfs;
  if (diff_ids.length !== image.Layers.length) {
    throw new Error(`it holds ${image.Layers.length} layers, and its config names ${diff_ids.length}`);
  }
  const layers = await layersOf(files, image.Layers, diff_ids, layout);
  const manifest = {
    schemaVersion: 2,
    mediaType: TYPES.manifest,
    config: { mediaType: TYPES.config, ...(await layout.put(config)) },
    layers: layers.map((layer) => ({ mediaType: TYPES.layer, ...layer })),
  };
  return { root: { mediaType: TYPES.manifest, ...(await layout.put(Buffer.from(JSON.stringify(manifest)))) } };
}

/**
 * Digest of the config of what {@link convertDocker} would take.
 * @throws Error when there are several images, or it is missing
 */
export async function configOfDocker(files: ImageFiles): Promise<Digest> {
  return sha256((await readSaved(files)).config);
}

async function readSaved(files: ImageFiles) {
  const saved = SAVED.parse(JSON.parse((await readDocument(files, "manifest.json")).toString("utf8")));
  const [image, ...others] = new Map(saved.map((one) => [one.Config, one])).values();
  if (image === undefined) throw new Error("there is no image in it");
  if (others.length > 0) {
    const names = saved.map(({ RepoTags, Config }) => RepoTags?.[0] ?? Config).slice(0, 5);
    throw new Error(`it holds ${others.length + 1} images (${oneLine(names.join(", "), 300)})`);
  }
  return { image, config: await readDocument(files, image.Config) };
}

async function layersOf(
  files: ImageFiles,
  names: readonly string[],
  diffIds: readonly Digest[],
  layout: LayoutWriter,
): Promise<Blob[]> {
  const found = new Map<Digest, ImageFile>();
  for (const [index, name] of names.entries()) {
    const [file, diffId] = [await files.find(name), diffIds[index]];
    if (file === undefined || diffId === undefined) throw new Error(`the layer ${oneLine(name, 200)} is missing`);
    found.set(diffId, file);
  }
  await layout.reserve([...found.values()].reduce((sum, { size }) => sum + size, 0));
  const made = new Map<Digest, Blob>();
  // An empty layer stands in many images more than once.
  for (const [diffId, file] of found) made.set(diffId, await layout.layer(file, diffId));
  return diffIds.flatMap((diffId) => made.get(diffId) ?? []);
}
