import type { ApplicationSettings } from "@belay/config";
import {
  type Digest,
  type ImageIdentity,
  type Log,
  messageOf,
  parseJson,
  platformName,
  type Release,
} from "@belay/core";
import type { ImageInspect } from "@belay/docker";
import type { ImageEngine } from "./build-images.ts";
import { usesContainerd } from "./built-identity.ts";

export interface RenamedImagesOptions {
  /** What was pushed of the commit. */
  readonly earlier: Release;
  readonly application: ApplicationSettings;
  readonly docker: ImageEngine;
  /** A blob of a repository (`host/name`); `undefined` where it is not there. */
  readonly blob: (repository: string, digest: Digest) => Promise<Uint8Array | undefined>;
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

async function isRenamed(options: RenamedImagesOptions, { service, from }: Taken): Promise<boolean> {
  const { earlier, docker, log } = options;
  const pushed = earlier.services[service];
  if (pushed === undefined) return false;
  try {
    const found = await docker.images.inspect(from);
    if (!(await isAnother(options, found, pushed))) return false;
    log.info(`${service}: ${from} is ${found.Id} in this engine, and that is not what was pushed of this commit.`);
    return true;
  } catch (error) {
    // Told for the reader's sake: no build ends by it.
    log.debug(`${service}: nothing is known about ${from}: ${messageOf(error)}`);
    return false;
  }
}

async function isAnother(
  { docker, blob }: RenamedImagesOptions,
  found: ImageInspect,
  pushed: ImageIdentity,
): Promise<boolean> {
  const parts = Object.values(pushed.platforms).flatMap(({ config, manifest }) => [config, manifest]);
  if ([pushed.digest, pushed.index, ...parts].some((digest) => digest === found.Id)) return false;
  // A classic store's ID is the config's digest.
  if (!usesContainerd(await docker.info())) return true;
  // Containerd's may be of an index of which one platform was pushed, or of the same image with other layers' compression.
  const platform = platformName({ os: found.Os, architecture: found.Architecture, variant: found.Variant });
  const [only, ...others] = Object.values(pushed.platforms);
  const { config } = pushed.platforms[platform] ?? (others.length === 0 ? only : undefined) ?? {};
  const bytes = config && (await blob(pushed.repository, config));
  return bytes !== undefined && !isMadeOf(found, parseJson(Buffer.from(bytes).toString("utf8")));
}

/** Layers and time are those of the config. */
function isMadeOf({ RootFS, Created }: ImageInspect, config: unknown): boolean {
  const { rootfs, created } = config as { rootfs?: { diff_ids?: readonly string[] }; created?: string };
  const layers = rootfs?.diff_ids ?? [];
  const there = RootFS?.Layers ?? [];
  const same = layers.length === there.length && layers.every((layer, index) => layer === there[index]);
  return same && (created === undefined || Date.parse(created) === Date.parse(Created ?? ""));
}
