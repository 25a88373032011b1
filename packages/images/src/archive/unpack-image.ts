import { stat } from "node:fs/promises";
import type { Digest } from "@belay/core";
import type { LayoutDescriptor } from "@belay/core/oci-layout";
import { configOfDocker, convertDocker } from "./convert-docker.ts";
import { configsOfOci, copyOci, isUncompressed } from "./copy-oci.ts";
import { FolderFiles } from "./folder-files.ts";
import type { ImageFiles } from "./image-files.ts";
import { LayoutWriter } from "./layout-writer.ts";
import { TarFiles } from "./tar-files.ts";

/** What was unpacked. */
export interface UnpackedImage {
  readonly root: LayoutDescriptor;
  /** Why it is not all that the image's index names. */
  readonly note?: string;
}

export interface UnpackOptions {
  /** Whether every digest has to stay, also where `docker save` has made a manifest of what the engine has unpacked. */
  readonly exact?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Makes a layout of an image that was saved at `path`: a tar archive of `docker save`, or an OCI image layout as archive or
 * folder. Every part of it is held against its digest.
 * @throws Error, in the words of whoever looks at the file; BelayError INVALID_INPUT when `layout` holds something else; the
 *   signal's reason
 */
export async function unpackImage(path: string, layout: string, options: UnpackOptions = {}): Promise<UnpackedImage> {
  const { signal, exact = false } = options;
  await using files = await openFiles(path, signal);
  const writer = await LayoutWriter.begin(layout, signal);
  const image = await read(files, writer, exact);
  await writer.finish(image.root);
  return image;
}

/**
 * Digests of the configs of the image that was saved at `path`, sorted: they tell it apart from any other. Nothing is written.
 * @throws Error as {@link unpackImage}
 */
export async function savedConfigs(path: string): Promise<readonly Digest[]> {
  await using files = await openFiles(path, undefined);
  const isOci = await isThere(files, "index.json");
  const configs = isOci ? await configsOfOci(files) : [await configOfDocker(files)];
  return configs.toSorted();
}

async function openFiles(path: string, signal: AbortSignal | undefined): Promise<ImageFiles> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") throw new Error("there is no such file");
    throw error;
  });
  if (found.isDirectory()) return new FolderFiles(path);
  if (!found.isFile()) throw new Error("it is neither a file nor a folder");
  return TarFiles.open(path, signal);
}

async function read(files: ImageFiles, layout: LayoutWriter, exact: boolean): Promise<UnpackedImage> {
  const [isOci, isDocker] = [await isThere(files, "index.json"), await isThere(files, "manifest.json")];
  // docker since 25.0 writes both. With the classic image store it keeps no layer as it was pulled or built.
  if (isOci && !(isDocker && !exact && (await isUncompressed(files)))) return copyOci(files, layout);
  if (isDocker) return convertDocker(files, layout);
  throw new Error("it holds neither index.json nor manifest.json, so it is no image");
}

async function isThere(files: ImageFiles, name: string): Promise<boolean> {
  return (await files.find(name)) !== undefined;
}
