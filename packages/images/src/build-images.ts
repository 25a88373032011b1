import type { ApplicationSettings, ServiceSettings } from "@belay/config";
import {
  BelayError,
  type Clock,
  createRelease,
  type Digest,
  type ImageIdentity,
  type Log,
  mapBounded,
  parseReference,
  type Release,
  type Runner,
  type Source,
} from "@belay/core";
import { type EngineInfo, type ImageInspect, type Images, isNotFound } from "@belay/docker";
import { type BuiltImage, buildService } from "./build-service.ts";
import { type Builder, type DockerCli, findBuilder } from "./builder.ts";
import { builtIdentity, usesContainerd } from "./built-identity.ts";
import { imageLabels } from "./image-labels.ts";
import { imageTags } from "./image-tags.ts";
import { prefixedLog } from "./prefixed-log.ts";

/** What of the engine a build needs: reading an image back, naming it, and which image store it has. */
export interface ImageEngine {
  readonly images: Pick<Images, "inspect" | "tag">;
  info(): Promise<Pick<EngineInfo, "DriverStatus">>;
}

export interface BuildImagesOptions {
  readonly application: ApplicationSettings;
  readonly source: Source;
  readonly runner: Runner;
  /** The engine that the docker command line builds on: see `env`. */
  readonly docker: ImageEngine;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Names of services; default all. */
  readonly services?: readonly string[];
  /** Builds a tree with changes that no commit holds, and labels and tags the images so. Default false. */
  readonly allowDirty?: boolean;
  /** Builds side by side. Default 2. */
  readonly maxParallel?: number;
  /** Digest that a registry serves under a reference with a tag: for services that are not built here. */
  readonly resolveDigest?: (reference: string) => Promise<Digest | undefined>;
  /** The docker command line. Default `docker`. */
  readonly cli?: string;
  /** Added to its environment, so that it builds on the same engine: `DOCKER_HOST`, `DOCKER_CONTEXT`. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Tests and builds every service, side by side, and only when all of it went well names the images. The identity is
 * read back from the engine. Services that are not built here go into the release by their digest.
 * @throws BelayError DIRTY_TREE, INVALID_INPUT before anything is built; TESTS_FAILED, BUILD_FAILED.
 */
export async function buildImages(options: BuildImagesOptions): Promise<Release> {
  const { application, source, clock } = options;
  const chosen = choose(options);
  refuseDirty(options, chosen);
  for (const [name, service] of chosen) check(name, service);
  const outside = chosen.filter(([, service]) => service.build === undefined);
  const pinned = await Promise.all(outside.map(([name, service]) => pin(name, service, options.resolveDigest)));
  const toBuild = chosen.filter(([, service]) => service.build !== undefined);
  const built = await buildAll(options, toBuild);
  const tagged = await Promise.all(built.map((one) => nameImage(options, one)));
  return createRelease({
    stage: "build",
    application: application.application,
    source,
    services: Object.fromEntries([...tagged, ...pinned].sort(([a], [b]) => (a < b ? -1 : 1))),
    evidence: { tests: { passed: built.filter((one) => one.image.tested).map((one) => one.name) } },
    createdAt: clock.date().toISOString(),
  });
}

type Chosen = readonly (readonly [string, ServiceSettings])[];

function choose({ application, services }: BuildImagesOptions): Chosen {
  const names = services ?? Object.keys(application.services);
  return names.map((name) => {
    const service = application.services[name];
    if (service !== undefined) return [name, service] as const;
    const next = `Legal values: ${Object.keys(application.services).join(", ")}.`;
    throw new BelayError("INVALID_INPUT", { doing: "choosing what to build", got: `no service \`${name}\``, next });
  });
}

function refuseDirty({ source, allowDirty }: BuildImagesOptions, chosen: Chosen): void {
  if (source.dirty !== true || allowDirty === true || chosen.every(([, service]) => service.build === undefined))
    return;
  throw new BelayError("DIRTY_TREE", {
    doing: "looking at the work tree before the build",
    got: `there are changes in the build contexts that commit ${source.revision.slice(0, 12)} does not hold`,
    next: "`git status` lists them. Commit, ignore or remove them; or allow it (`allow-dirty: true`), and the images say so.",
  });
}

function check(name: string, service: ServiceSettings): void {
  const doing = `reading services.${name}`;
  const refuse = (got: string, next: string): never => {
    throw new BelayError("INVALID_INPUT", { doing, got, next });
  };
  if (service.image === undefined) refuse("it has no `image`", "Say where the image lives: `image: ghcr.io/you/name`.");
  const reference = referenceOf(service);
  if (service.build === undefined) return;
  if (reference.tag !== undefined || reference.digest !== undefined) {
    refuse(`its image ${service.image} has a tag or digest`, "Leave it away: Belay tags what it builds by its commit.");
  }
  if (service.build.platforms.length > 1) {
    const got = `it wants ${service.build.platforms.length} platforms (${service.build.platforms.join(", ")})`;
    refuse(got, "This way of building keeps one platform. Name one, or build the others as services of their own.");
  }
}

function referenceOf(service: ServiceSettings): NonNullable<ReturnType<typeof parseReference>> {
  const reference = parseReference(service.image ?? "");
  if (reference !== undefined) return reference;
  const image = service.image ?? "";
  const lower = image.toLowerCase();
  throw new BelayError("INVALID_INPUT", {
    doing: "reading the name of an image",
    got: `${JSON.stringify(image)} is no image name`,
    next: parseReference(lower) === undefined ? "Write registry/path/name." : `Names are lower case: write ${lower}.`,
  });
}

async function pin(
  name: string,
  service: ServiceSettings,
  resolveDigest: BuildImagesOptions["resolveDigest"],
): Promise<[string, ImageIdentity]> {
  const { repository, tag, digest: written } = referenceOf(service);
  const digest = written ?? (await resolveDigest?.(`${repository}:${tag ?? "latest"}`));
  if (digest === undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing: `reading services.${name}`,
      got: `its image ${service.image} is not built here and no registry gives a digest for it`,
      next: "Pin it (`repository@sha256:…`), correct its name, or add `build`.",
    });
  }
  return [name, { repository, platforms: {}, digest, tags: tag === undefined ? [] : [tag] }];
}

interface Built {
  readonly name: string;
  readonly service: ServiceSettings;
  readonly image: BuiltImage;
}

async function buildAll(options: BuildImagesOptions, services: Chosen): Promise<Built[]> {
  if (services.length === 0) return [];
  const builder = await findBuilder(cliOf(options), options.log);
  if (services.length === 1) {
    const title = `Building ${services.map(([name]) => name).join()}`;
    return options.log.group(title, () => buildEach(options, services, builder, options.log));
  }
  return buildEach(options, services, builder, undefined);
}

function cliOf({ runner, cli, env }: BuildImagesOptions): DockerCli {
  return { runner, ...(cli === undefined ? {} : { command: cli }), ...(env === undefined ? {} : { env }) };
}

/** The first failure ends the other builds: nothing of this release will be used. */
async function buildEach(
  options: BuildImagesOptions,
  services: Chosen,
  builder: Builder,
  log: Log | undefined,
): Promise<Built[]> {
  return mapBounded(services, options.maxParallel ?? 2, options.signal, async ([name, service], signal) => {
    const { build } = service;
    if (build === undefined) throw new TypeError(`${name} has no build`);
    const work = (own: Log): Promise<BuiltImage> =>
      buildService({
        service: name,
        build,
        labels: imageLabels(options.source, { application: options.application.application, service: name }),
        builder,
        cli: cliOf(options),
        log: own,
        directory: options.application.directory,
        signal,
      });
    const aside = () => work(prefixedLog(options.log, name));
    const image = await (log === undefined
      ? options.log.group(`Building ${name}`, aside, { overlap: true })
      : work(log));
    return { name, service, image };
  });
}

async function nameImage(options: BuildImagesOptions, built: Built): Promise<[string, ImageIdentity]> {
  const { repository } = referenceOf(built.service);
  const { docker, source, log } = options;
  const found = await findBuilt(docker, built);
  const identity = builtIdentity({
    found,
    containerd: usesContainerd(await docker.info()),
    ...(built.image.config === undefined ? {} : { config: built.image.config }),
    ...(built.image.mediaType === undefined ? {} : { mediaType: built.image.mediaType }),
  });
  const tags = imageTags(source, { content: found.Id as Digest });
  for (const tag of tags) await docker.images.tag(found.Id, `${repository}:${tag}`);
  log.info(`${built.name}: ${repository}:${tags[0]} is ${found.Id}`);
  return [built.name, { repository, ...identity, tags }];
}

async function findBuilt(docker: ImageEngine, { name, image }: Built): Promise<ImageInspect> {
  for (const id of image.ids) {
    try {
      return await docker.images.inspect(id);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  throw new BelayError("BUILD_FAILED", {
    doing: `reading back the image of ${name}`,
    got: `the engine has no image ${image.ids.join(" or ")}, which the builder says it made`,
    next: "The builder works for another engine: choose one that loads into this engine (`docker buildx use default`).",
  });
}
