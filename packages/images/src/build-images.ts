import type { BuildSettings, ServiceSettings } from "@belay/config";
import {
  type Clock,
  createRelease,
  type Digest,
  type Evidence,
  type ImageIdentity,
  type Log,
  mapBounded,
  type Release,
  type Runner,
  type Source,
} from "@belay/core";
import type { EngineInfo, Images } from "@belay/docker";
import { adoptImage } from "./adopt-image.ts";
import { type BuiltImage, buildService, type ServiceBuild } from "./build-service.ts";
import { buildSideBySide } from "./build-side-by-side.ts";
import { type Builder, type DockerCli, findBuilder } from "./builder.ts";
import { usesContainerd } from "./built-identity.ts";
import { checkCaches } from "./check-caches.ts";
import {
  type Chosen,
  checkService,
  chooseServices,
  pinService,
  referenceOf,
  refuseDirty,
  type ServiceChoice,
  warnOfSecretArguments,
} from "./check-services.ts";
import { checkWay } from "./check-way.ts";
import { type BuildWay, chooseWay, describeWay } from "./choose-way.ts";
import { findBuilt, identifyImage } from "./identify-image.ts";
import type { ImageInputs } from "./image-inputs.ts";
import { imageLabels } from "./image-labels.ts";
import { imageTags } from "./image-tags.ts";
import { isBuiltBefore } from "./is-built-before.ts";
import { registerSecrets } from "./register-secrets.ts";
import { startBuilder } from "./start-builder.ts";
import type { TagEvent } from "./tag-rules/apply-tag-rules.ts";
import { tagRulesOf } from "./tag-rules-of.ts";

/** What of the engine a build needs: reading an image back, naming it, copying it out, and which image store it has. */
export interface ImageEngine {
  readonly images: Pick<Images, "inspect" | "tag" | "save">;
  info(): Promise<Pick<EngineInfo, "DriverStatus">>;
}

export interface BuildImagesOptions extends ServiceChoice {
  readonly runner: Runner;
  /** The engine that the docker command line builds on: see `env`. */
  readonly docker: ImageEngine;
  /** Folder for a service's image where it is built into an OCI layout ({@link chooseWay}). What is in it is removed. */
  readonly layoutOf: (service: string) => string;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Builds side by side. Default 2. */
  readonly maxParallel?: number;
  /** What rules for tags may speak of besides the source. */
  readonly event?: TagEvent;
  /** Kept in the release. */
  readonly inputs?: Readonly<Record<string, ImageInputs>>;
  /** buildx's builder, or what is looked for already. Default: the one that buildx itself would use. */
  readonly builder?: string | Promise<Builder>;
  /** Told of each secret of the build before anything else is done with it: register it for redaction. */
  readonly onSecret?: (value: string) => void;
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
  const chosen = chooseServices(options);
  refuseDirty(options, chosen);
  for (const [name, service] of chosen) checkService(name, service);
  // A rule that can't be read is found before a build of minutes.
  for (const [name, service] of chosen)
    imageTags(
      source,
      tagRulesOf(options, name, service, () => undefined),
    );
  const outside = chosen.filter(([, service]) => service.build === undefined);
  const pinned = await Promise.all(outside.map(([name, service]) => pinService(name, service, options.resolveDigest)));
  const adopted = await adoptAll(options, chosen);
  const toBuild = chosen.filter(([, { build }]) => build !== undefined && !isBuiltBefore(build));
  const made = [...adopted, ...(await buildAll(options, toBuild))];
  const built = await mapBounded(made, options.maxParallel ?? 2, options.signal, (one) => keepLayout(options, one));
  const named = await Promise.all(built.map((one) => identify(options, one)));
  return createRelease({
    stage: "build",
    application: application.application,
    source,
    services: Object.fromEntries([...named, ...pinned].sort(([a], [b]) => (a < b ? -1 : 1))),
    evidence: { ...inputsOf(options, chosen), tests: testsOf(built) },
    createdAt: clock.date().toISOString(),
  });
}

function inputsOf({ inputs }: BuildImagesOptions, chosen: Chosen): Pick<Evidence, "build"> {
  const known = chosen.flatMap(([name]) => (inputs?.[name] === undefined ? [] : [[name, inputs[name]] as const]));
  return known.length === 0 ? {} : { build: { inputs: Object.fromEntries(known) } };
}

function testsOf(built: readonly Built[]): NonNullable<Evidence["tests"]> {
  const counted = built.flatMap(({ name, image }) =>
    image.reports === undefined ? [] : [[name, image.reports] as const],
  );
  return {
    passed: built.filter(({ image }) => image.tested).map(({ name }) => name),
    ...(counted.length === 0 ? {} : { reports: Object.fromEntries(counted) }),
  };
}

/** A service that was built, before its image has a name. */
export interface Built {
  readonly name: string;
  readonly service: ServiceSettings;
  readonly image: BuiltImage;
  readonly layout?: string;
  /** The image's ID, where the engine has it besides. */
  readonly inEngine?: string;
}

/** Images that are there already are looked at first: a wrong one is found before a build of minutes. */
async function adoptAll(options: BuildImagesOptions, chosen: Chosen): Promise<Built[]> {
  const adopted: Built[] = [];
  for (const [name, service] of chosen) {
    const { from, archive, testTarget } = service.build ?? {};
    const taken = archive ?? from;
    if (taken === undefined) continue;
    if (testTarget !== undefined)
      options.log.warn(`${name}: ${taken} was built before, so the stage ${testTarget} is not run here.`);
    adopted.push(await adoptOne(options, name, service));
  }
  return adopted;
}

async function adoptOne(options: BuildImagesOptions, name: string, service: ServiceSettings): Promise<Built> {
  const { source, docker, log, event, signal, layoutOf } = options;
  const { from = "", archive, platforms = [] } = service.build ?? {};
  const sha = event?.workflowSha === undefined ? {} : { workflowSha: event.workflowSha };
  const common = { service: name, source, log, platforms, ...sha };
  if (archive === undefined) return { name, service, image: await adoptImage({ ...common, from, docker }) };
  const { adoptArchive } = await import("./archive/adopt-archive.ts");
  const layout = layoutOf(name);
  const until = signal === undefined ? {} : { signal };
  const image = await adoptArchive({ ...common, archive, layout, ...until });
  return { name, service, image, layout };
}

/**
 * An image that a containerd store has goes the way of a layout, however it got there: the engine alone tells neither its
 * config nor all of its platforms, and Trivy can't read what it saves when only some of its layers are compressed
 * (go-containerregistry, `pkg/v1/tarball`, looks at the first one).
 */
async function keepLayout(options: BuildImagesOptions, built: Built): Promise<Built> {
  const { docker, layoutOf, log, source, event, signal } = options;
  if (built.layout !== undefined || !usesContainerd(await docker.info())) return built;
  const { Id: inEngine } = await findBuilt(docker, built);
  const { saveImage } = await import("./archive/save-image.ts");
  const sha = event?.workflowSha === undefined ? {} : { workflowSha: event.workflowSha };
  const layout = layoutOf(built.name);
  const { from, platforms = [] } = built.service.build ?? {};
  const { root, note } = await saveImage({
    ...{ service: built.name, docker, id: inEngine as Digest, layout },
    ...(from === undefined ? {} : { adopted: { source, platforms, ...sha } }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (note !== undefined) log.info(`${built.name}: ${note}.`);
  return { ...built, image: { ...built.image, digest: root.digest }, layout, inEngine };
}

async function buildAll(options: BuildImagesOptions, services: Chosen): Promise<Built[]> {
  if (services.length === 0) return [];
  const { builder: given } = options;
  const builder = await (given instanceof Promise ? given : findBuilder(cliOf(options), options.log, given));
  warnOfSecretArguments(options.log, services);
  await registerSecrets(services, options);
  checkCaches(services, options.log, options);
  const way = await chooseWay(builder, () => options.docker.info());
  options.log.info(describeWay(way));
  checkWay(builder, way, services);
  if (services.length > 1) await startBuilder(cliOf(options), builder, options.log, options.signal);
  const { log, maxParallel = 2, signal } = options;
  const how = { log, maxParallel, ...(signal === undefined ? {} : { signal }) };
  return buildSideBySide(services, how, (service, stopped) => buildOne(options, service, { builder, way }, stopped));
}

function cliOf({ runner, cli, env }: BuildImagesOptions): DockerCli {
  return { runner, ...(cli === undefined ? {} : { command: cli }), ...(env === undefined ? {} : { env }) };
}

async function buildOne(
  options: BuildImagesOptions,
  [name, service]: Chosen[number],
  { builder, way }: { readonly builder: Builder; readonly way: BuildWay },
  signal: AbortSignal,
): Promise<Built> {
  const { source, application, log } = options;
  const { build } = service;
  if (build === undefined) throw new TypeError(`${name} has no build`);
  const layout = way.kind === "layout" ? { layout: options.layoutOf(name) } : {};
  const labels = { ...imageLabels(source, { application: application.application, service: name }), ...build.labels };
  const image = await buildService({
    ...{ service: name, build, labels, builder, log, signal, directory: application.directory },
    ...timesOf(source, build),
    cli: cliOf(options),
    ...layout,
  });
  return { name, service, image, ...layout };
}

/** A commit that is known by its SHA alone has no time. */
function timesOf({ committedAt, run }: Source, build: BuildSettings): Pick<ServiceBuild, "epoch" | "builtBy"> {
  const epoch = Math.floor(Date.parse(committedAt ?? "") / 1_000);
  return {
    ...(build.reproducible === false || Number.isNaN(epoch) ? {} : { epoch }),
    ...(run?.url === undefined ? {} : { builtBy: run.url }),
  };
}

async function identify(options: BuildImagesOptions, built: Built): Promise<[string, ImageIdentity]> {
  const { docker, source, log } = options;
  const { repository } = referenceOf(built.service);
  const rules = tagRulesOf(options, built.name, built.service, (message) => log.warn(`${built.name}: ${message}`));
  const { image, what } = await identifyImage({ source, docker, built, repository, ...rules });
  log.info(`${built.name}: ${repository}:${image.tags[0]} is ${what}`);
  return [built.name, image];
}
