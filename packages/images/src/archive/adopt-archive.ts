import { BelayError, isBelayError, type Log, messageOf } from "@belay/core";
import { readLayout } from "@belay/core/oci-layout";
import { z } from "zod";
import type { BuiltImage } from "../build-service.ts";
import { checkPlatforms } from "../check-platforms.ts";
import { clearLayout } from "../clear-layout.ts";
import type { CommitNames } from "../image-revision.ts";
import { checkRevisions } from "./check-revisions.ts";
import { diskFailure } from "./disk-failure.ts";
import { unpackImage } from "./unpack-image.ts";

export interface ArchiveAdoption extends CommitNames {
  readonly service: string;
  /** An absolute path: a tar archive, or the folder of an OCI image layout. */
  readonly archive: string;
  /** Where the image is kept for scan and push. What is in it is removed. */
  readonly layout: string;
  /** Platforms that it has to have; empty: any. */
  readonly platforms: readonly string[];
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Takes an image that somebody else built and saved into the release: an archive of `docker save`, or an OCI image layout as
 * archive or folder. Every part of it is held against its digest and kept beside the release, so that what is scanned and
 * pushed later is this very content, whatever becomes of the file. Its label has to name the commit.
 * @throws BelayError INVALID_INPUT when it is no such image, is broken, of another commit or for another platform;
 *   BUILD_FAILED when the disk does not take it
 */
export async function adoptArchive(adoption: ArchiveAdoption): Promise<BuiltImage> {
  const { archive, service, layout, source, signal, log } = adoption;
  try {
    const { root, note } = await unpackImage(archive, layout, signal === undefined ? {} : { signal });
    const { entries } = await readLayout(layout);
    const there = entries.map(({ platform }) => platform);
    checkPlatforms({ doing: doingOf(adoption), wanted: adoption.platforms, there });
    await checkRevisions(layout, entries, adoption, doingOf(adoption));
    const commit = source.revision.slice(0, 12);
    log.info(`${service}: ${archive} (${root.digest}) is taken as it is; it was built from ${commit}.`);
    if (note !== undefined) log.info(`${service}: ${note}.`);
    const [only, ...others] = entries;
    const config = only === undefined || others.length > 0 ? {} : { config: only.config };
    return { ids: [], digest: root.digest, ...config, tested: false };
  } catch (error) {
    // Nobody may take a part of it for an image.
    await clearLayout(layout).catch(() => undefined);
    signal?.throwIfAborted();
    if (isBelayError(error, "INVALID_INPUT")) throw error;
    throw diskFailure(error, doingOf(adoption), [layout]) ?? refused(adoption, wordsOf(error));
  }
}

function refused(adoption: ArchiveAdoption, got: string): BelayError {
  const next =
    "It must be one image, as `docker save --output image.tar NAME` or `docker buildx build --output type=oci,dest=image.tar` writes it.";
  return new BelayError("INVALID_INPUT", { doing: doingOf(adoption), got, next });
}

function doingOf({ service, archive }: ArchiveAdoption): string {
  return `taking the image ${archive} for ${service}`;
}

function wordsOf(error: unknown): string {
  const cause = isBelayError(error) ? error.cause : error;
  if (cause instanceof z.core.$ZodError) return "a document in it has not the right form";
  if (isBelayError(error)) return error.got;
  return error instanceof SyntaxError ? "a document in it is no JSON" : messageOf(error);
}
