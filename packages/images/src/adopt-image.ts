import { BelayError, isDigest, type Log, type Platform, platformName, type Source } from "@belay/core";
import { type ImageInspect, isNotFound } from "@belay/docker";
import type { ImageEngine } from "./build-images.ts";
import type { BuiltImage } from "./build-service.ts";
import { usesContainerd } from "./built-identity.ts";
import { checkPlatforms } from "./check-platforms.ts";
import { isOfCommit, REVISION } from "./image-revision.ts";

export interface Adoption {
  readonly service: string;
  /** Name or ID of an image in the engine. */
  readonly from: string;
  readonly source: Source;
  /** `GITHUB_SHA`: on a pull request, GitHub's merge commit, by which other tools label what they build. */
  readonly workflowSha?: string;
  /** Platforms that it has to be for; empty: any. */
  readonly platforms: readonly Platform[];
  readonly docker: ImageEngine;
  readonly log: Log;
}

/**
 * Takes an image that somebody else built into the release. Its label has to name the commit: anybody can write a label, but
 * an image of another commit does not get in by mistake. What its Dockerfile tests is not known.
 * @throws BelayError INVALID_INPUT when the engine does not have it, or it is of another commit, or of nobody knows which, or
 *   a classic store has it for other platforms
 */
export async function adoptImage(adoption: Adoption): Promise<BuiltImage> {
  const { service, from, log } = adoption;
  const found = await inspect(adoption);
  const revision = found.Config?.Labels?.[REVISION];
  if (!isOfCommit(revision, adoption)) throw foreign(adoption, revision);
  await checkPlatform(adoption, found);
  log.info(`${service}: ${from} (${found.Id}) is taken as it is; it was built from ${revision?.slice(0, 12)}.`);
  const mediaType = found.Descriptor?.mediaType;
  return { ids: [found.Id].filter(isDigest), tested: false, ...(mediaType === undefined ? {} : { mediaType }) };
}

async function inspect({ service, from, docker }: Adoption): Promise<ImageInspect> {
  try {
    return await docker.images.inspect(from);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new BelayError("INVALID_INPUT", {
      doing: `taking an image for ${service}`,
      got: `the engine has no image ${from}`,
      next: "Build it into this engine before (`load: true`), or pull it, and name it here.",
      cause: error,
    });
  }
}

/** A classic store has an image for one platform. Those that containerd's has are told by the copy that is made of it. */
async function checkPlatform({ service, platforms, docker }: Adoption, found: ImageInspect): Promise<void> {
  if (platforms.length === 0 || usesContainerd(await docker.info())) return;
  const there = platformName({ os: found.Os, architecture: found.Architecture, variant: found.Variant });
  checkPlatforms({ doing: `taking an image for ${service}`, wanted: platforms, there: [there] });
}

function foreign({ service, from, source }: Adoption, revision: string | undefined): BelayError {
  const said = revision === undefined ? `has no label ${REVISION}` : `was built from ${revision}`;
  return new BelayError("INVALID_INPUT", {
    doing: `taking an image for ${service}`,
    got: `${from} ${said}, and the commit is ${source.revision}`,
    next: `Build it from this commit, with --label=${REVISION}=${source.revision} (docker/metadata-action writes it).`,
  });
}
