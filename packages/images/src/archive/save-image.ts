import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError, type Digest, isBelayError, messageOf } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import type { ImageEngine } from "../build-images.ts";
import { clearLayout } from "../clear-layout.ts";
import type { CommitNames } from "../image-revision.ts";
import { checkRevisions } from "./check-revisions.ts";
import { type UnpackedImage, unpackImage } from "./unpack-image.ts";

export interface SaveOptions {
  readonly service: string;
  readonly docker: ImageEngine;
  /** The engine's ID of the image: with containerd's store the digest of an index or a manifest. */
  readonly id: Digest;
  /** What is in it is removed. */
  readonly layout: string;
  /** For an image that somebody else built: every platform of it has to name the commit. */
  readonly adopted?: CommitNames;
  readonly signal?: AbortSignal;
}

/**
 * Copies an image out of an engine with containerd's image store, which hands it out byte by byte: with every platform that it
 * has, every layer as it is, and the digests that a push of the engine would give.
 * @throws BelayError BUILD_FAILED when what comes is not that image, INVALID_INPUT when it is of another commit; those of the engine
 */
export async function saveImage(options: SaveOptions): Promise<UnpackedImage> {
  const { service, docker, id, layout, adopted, signal } = options;
  const doing = `copying the image of ${service} (${id}) out of the engine`;
  const folder = await mkdtemp(join(tmpdir(), "belay-save-"));
  try {
    const archive = join(folder, "image.tar");
    await docker.images.save(id, archive, signal === undefined ? {} : { signal });
    const image = await unpackImage(archive, layout, { exact: true, ...(signal === undefined ? {} : { signal }) });
    if (image.root.digest !== id && image.note === undefined) throw new Error(`it came as ${image.root.digest}`);
    const { entries } = await readLayout(layout);
    if (adopted !== undefined) await checkRevisions(layout, entries, adopted, `taking an image for ${service}`);
    return image;
  } catch (error) {
    await clearLayout(layout).catch(() => undefined);
    signal?.throwIfAborted();
    if (isBelayError(error)) throw error;
    const next = "Pull or build it again, so that the engine has all of it.";
    throw new BelayError("BUILD_FAILED", { doing, got: messageOf(error), next, cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
