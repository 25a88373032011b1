import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, isBelayError, type Log, messageOf, normalisedPlatform, type Source } from "@belay/core";
import { type LayoutEntry, readLayout } from "@belay/core/oci-layout";
import { z } from "zod";
import type { BuiltImage } from "../build-service.ts";
import { clearLayout } from "../clear-layout.ts";
import { isOfCommit, REVISION } from "../image-revision.ts";
import { convertDocker } from "./convert-docker.ts";
import { copyOci } from "./copy-oci.ts";
import { FolderFiles } from "./folder-files.ts";
import type { ImageFiles } from "./image-files.ts";
import { LayoutWriter } from "./layout-writer.ts";
import { TarFiles } from "./tar-files.ts";

export interface ArchiveAdoption {
  readonly service: string;
  /** An absolute path: a tar archive, or the folder of an OCI image layout. */
  readonly archive: string;
  /** Where the image is kept for scan and push. What is in it is removed. */
  readonly layout: string;
  /** Platforms that it has to have; empty: any. */
  readonly platforms: readonly string[];
  readonly source: Source;
  /** As for an image in the engine. */
  readonly workflowSha?: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Takes an image that somebody else built and saved into the release: an archive of `docker save`, or an OCI image layout as
 * archive or folder. Every part of it is held against its digest and kept beside the release, so that what is scanned and
 * pushed later is this very content, whatever becomes of the file. Its label has to name the commit.
 * @throws BelayError INVALID_INPUT when it is no such image, is broken, of another commit or for another platform
 */
export async function adoptArchive(adoption: ArchiveAdoption): Promise<BuiltImage> {
  const { archive, service, layout, signal, log } = adoption;
  try {
    await using files = await openFiles(archive, signal);
    const writer = await LayoutWriter.begin(layout, signal);
    const { root, note } = await unpack(files, writer);
    await writer.finish(root);
    const { entries } = await readLayout(layout);
    checkPlatforms(adoption, entries);
    const revision = await checkRevisions(adoption, entries);
    log.info(`${service}: ${archive} (${root.digest}) is taken as it is; it was built from ${revision}.`);
    if (note !== undefined) log.info(`${service}: ${note}.`);
    const [only, ...others] = entries;
    const config = only === undefined || others.length > 0 ? {} : { config: only.config };
    return { ids: [], digest: root.digest, ...config, tested: false };
  } catch (error) {
    // Nobody may take a part of it for an image.
    await clearLayout(layout).catch(() => undefined);
    signal?.throwIfAborted();
    if (isBelayError(error, "INVALID_INPUT")) throw error;
    throw refused(adoption, wordsOf(error));
  }
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

async function unpack(files: ImageFiles, layout: LayoutWriter): ReturnType<typeof copyOci> {
  // docker since 25.0 writes both; the digests are in this one.
  if ((await files.find("index.json")) !== undefined) return copyOci(files, layout);
  if ((await files.find("manifest.json")) !== undefined) return convertDocker(files, layout);
  throw new Error("it holds neither index.json nor manifest.json, so it is no image");
}

function checkPlatforms(adoption: ArchiveAdoption, entries: readonly LayoutEntry[]): void {
  const there = entries.map(({ platform }) => platform);
  const wanted = [...new Set(adoption.platforms.map(normalisedPlatform))];
  const same = wanted.length === there.length && wanted.every((platform) => there.includes(platform));
  if (wanted.length === 0 || same) return;
  throw refused(adoption, `it is for ${there.join(", ")}, and ${wanted.join(", ")} is asked for`);
}

const LABELS = z.object({
  config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
});

async function checkRevisions(adoption: ArchiveAdoption, entries: readonly LayoutEntry[]): Promise<string> {
  for (const { config, platform } of entries) {
    const text = await readFile(join(adoption.layout, "blobs", ...config.split(":")), "utf8");
    const revision = LABELS.parse(JSON.parse(text)).config?.Labels?.[REVISION];
    if (isOfCommit(revision, adoption)) continue;
    const said = revision === undefined ? `has no label ${REVISION}` : `was built from ${revision}`;
    throw new BelayError("INVALID_INPUT", {
      doing: doingOf(adoption),
      got: `its image for ${platform} ${said}, and the commit is ${adoption.source.revision}`,
      next: `Build it from this commit, with --label=${REVISION}=${adoption.source.revision} (docker/metadata-action writes it).`,
    });
  }
  return adoption.source.revision.slice(0, 12);
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
  if (cause instanceof z.ZodError) return "a document in it has not the right form";
  if (isBelayError(error)) return error.got;
  return error instanceof SyntaxError ? "a document in it is no JSON" : messageOf(error);
}
