import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError, type Digest, isBelayError, messageOf, type Platform } from "@belay/core";
import { type LayoutEntry, readLayout } from "@belay/core/oci-layout";
import type { ImageEngine } from "../build-images.ts";
import { checkPlatforms } from "../check-platforms.ts";
import { clearLayout } from "../clear-layout.ts";
import type { CommitNames } from "../image-revision.ts";
import { checkRevisions } from "./check-revisions.ts";
import { diskFailure } from "./disk-failure.ts";
import { type UnpackedImage, unpackImage } from "./unpack-image.ts";

/** Every platform of the image has to name the commit, and there have to be just those that are asked for; none: any. */
interface Adopted extends CommitNames {
  readonly platforms: readonly Platform[];
}

export interface SaveOptions {
  readonly service: string;
  readonly docker: ImageEngine;
  /** The engine's ID of the image: with containerd's store the digest of an index or a manifest. */
  readonly id: Digest;
  /** What is in it is removed. */
  readonly layout: string;
  /** For an image that somebody else built. */
  readonly adopted?: Adopted;
  readonly signal?: AbortSignal;
}

/**
 * Copies an image out of an engine with containerd's image store, which hands it out byte by byte: with every platform that it
 * has, every layer as it is, and the digests that a push of the engine would give.
 * @throws BelayError BUILD_FAILED when what comes is not that image, or the disk does not take it; INVALID_INPUT when it is of
 *   another commit or for other platforms; those of the engine
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
    if (adopted !== undefined) await checkAdopted(options, adopted, entries);
    return image;
  } catch (error) {
    await clearLayout(layout).catch(() => undefined);
    signal?.throwIfAborted();
    const ofDisk = diskFailure(error, doing, [folder, layout]);
    if (ofDisk !== undefined || isBelayError(error)) throw ofDisk ?? error;
    const next = "Pull or build it again, so that the engine has all of it.";
    throw new BelayError("BUILD_FAILED", { doing, got: messageOf(error), next, cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkAdopted(
  { service, layout }: SaveOptions,
  adopted: Adopted,
  entries: readonly LayoutEntry[],
): Promise<void> {
  const doing = `taking an image for ${service}`;
  checkPlatforms({ doing, wanted: adopted.platforms, there: entries.map(({ platform }) => platform) });
  await checkRevisions(layout, entries, adopted, doing);
}
