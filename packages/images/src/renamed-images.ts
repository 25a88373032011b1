import type { ApplicationSettings } from "@belay/config";
import { type ImageIdentity, isBelayError, type Log, messageOf, type Release } from "@belay/core";
import type { ImageInspect } from "@belay/docker";
import type { ImageEngine } from "./build-images.ts";
import { usesContainerd } from "./built-identity.ts";

export interface RenamedImagesOptions {
  /** What was pushed of the commit. */
  readonly earlier: Release;
  readonly application: ApplicationSettings;
  readonly docker: ImageEngine;
  readonly log: Log;
}

/**
 * Services whose image would be taken from an engine that has another one under that name by now than was pushed. An engine that
 * does not have it, or does not answer, says nothing about that, and so nothing is said.
 */
export async function renamedImages(options: RenamedImagesOptions): Promise<readonly string[]> {
  const taken = Object.entries(options.application.services).flatMap(([service, { build }]) =>
    build?.from === undefined ? [] : [{ service, from: build.from }],
  );
  const found = await Promise.all(taken.map((one) => isRenamed(options, one)));
  return taken.filter((_one, index) => found[index]).map(({ service }) => service);
}

interface Taken {
  readonly service: string;
  readonly from: string;
}

async function isRenamed({ earlier, docker, log }: RenamedImagesOptions, { service, from }: Taken): Promise<boolean> {
  const pushed = earlier.services[service];
  if (pushed === undefined) return false;
  try {
    const found = await docker.images.inspect(from);
    if (!isAnother(found, pushed, usesContainerd(await docker.info()))) return false;
    log.info(`${service}: ${from} is ${found.Id} in this engine, and that is not what was pushed of this commit.`);
    return true;
  } catch (error) {
    if (!isBelayError(error)) throw error;
    log.debug(`${service}: nothing is known about ${from}: ${messageOf(error)}`);
    return false;
  }
}

function isAnother({ Id, Descriptor }: ImageInspect, pushed: ImageIdentity, containerd: boolean): boolean {
  const parts = Object.values(pushed.platforms).flatMap(({ config, manifest }) => [config, manifest]);
  if ([pushed.digest, pushed.index, ...parts].some((digest) => digest === Id)) return false;
  // Of an index the engine may have had one platform only, whose manifest alone was pushed: then this may be its index.
  return !containerd || pushed.index !== undefined || /manifest\.v\d/.test(Descriptor?.mediaType ?? "");
}
