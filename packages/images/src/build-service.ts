import { mkdir, mkdtemp, readFile, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BuildSettings } from "@belay/config";
import { BelayError, isDigest, type Log, type Runner } from "@belay/core";
import { argumentsFor, type BuildArguments, type BuildOutput, environmentFor } from "./build-arguments.ts";
import type { Builder, DockerCli } from "./builder.ts";
import { explainBuildFailure } from "./explain-build-failure.ts";
import { createGit } from "./git.ts";

export interface ServiceBuild {
  readonly service: string;
  readonly build: BuildSettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly builder: Builder;
  readonly cli: DockerCli;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Folder that file names in messages are relative to. */
  readonly directory: string;
  /** Folder for an OCI layout: what was in it is removed. Without it, the engine gets the image. */
  readonly layout?: string;
  /** See {@link BuildArguments}. */
  readonly epoch?: number;
  readonly builtBy?: string;
}

/** What the builder says it made. */
export interface BuiltImage {
  /** Names under which the engine may know the image, the likeliest first. */
  readonly ids: readonly string[];
  /** Digest of the image: a manifest's or an index's. */
  readonly digest?: string;
  /** Digest of the config, where the builder told it. */
  readonly config?: string;
  /** What the image's digest points to, where the builder told it. */
  readonly mediaType?: string;
  readonly tested: boolean;
}

/**
 * Runs the test stage, then builds the image. It gets no tag here.
 * @throws BelayError TESTS_FAILED when a command of the test stage itself ended with another exit code than 0,
 *   BUILD_FAILED for everything else, with the tail of the output and the line of the Dockerfile where it is told.
 */
export async function buildService(options: ServiceBuild): Promise<BuiltImage> {
  await checkContext(options);
  const folder = await mkdtemp(join(tmpdir(), "belay-build-"));
  try {
    const idFile = join(folder, "id");
    const { testTarget, target } = options.build;
    if (testTarget !== undefined) {
      const output = { kind: "none" } as const;
      await run(options, { ...requestOf(options), target: testTarget, labels: {}, idFile, output });
    }
    const metadataFile = join(folder, "metadata.json");
    await run(options, {
      ...requestOf(options),
      ...(target === undefined ? {} : { target }),
      labels: options.labels,
      idFile,
      metadataFile,
      output: await prepareOutput(options.layout),
    });
    return { ...(await readResult(idFile, metadataFile)), tested: testTarget !== undefined };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function requestOf({ build, epoch, builtBy }: ServiceBuild): Pick<BuildArguments, "build" | "epoch" | "builtBy"> {
  return { build, ...(epoch === undefined ? {} : { epoch }), ...(builtBy === undefined ? {} : { builtBy }) };
}

/** BuildKit adds to a layout that is there: what an earlier build left would be part of this image. */
async function prepareOutput(layout: string | undefined): Promise<BuildOutput> {
  if (layout === undefined) return { kind: "engine" };
  await rm(layout, { recursive: true, force: true });
  await mkdir(dirname(layout), { recursive: true });
  return { kind: "layout", path: layout };
}

async function checkContext({ service, build }: ServiceBuild): Promise<void> {
  const doing = `building ${service}`;
  const isFolder = await stat(build.context).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    const next = `Correct services.${service}.build.context: it must be a folder of the commit that is built.`;
    throw new BelayError("INVALID_INPUT", { doing, got: `the build context ${build.context} is no folder`, next });
  }
}

async function run(options: ServiceBuild, request: BuildArguments): Promise<void> {
  const { builder, cli, service, log, signal, build, directory } = options;
  const testing = request.output.kind === "none";
  const { exitCode, stdout, stderr } = await cli.runner(cli.command ?? "docker", argumentsFor(builder, request), {
    doing: testing ? `testing ${service}` : `building ${service}`,
    env: { ...cli.env, ...environmentFor(builder) },
    // What is relative in caches and ssh keys is relative to belay.yaml.
    cwd: directory,
    log,
    allowedExitCodes: ALL_FAILURES,
    ...(signal === undefined ? {} : { signal }),
  });
  if (exitCode === 0) return;
  const { context, dockerfile } = build;
  throw await explainBuildFailure({
    ...{ service, context, testing, log, directory, exitCode, output: `${stdout}\n${stderr}` },
    rootOf: () => repositoryOf(cli.runner, directory),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(request.target === undefined ? {} : { target: request.target }),
  });
}

async function repositoryOf(runner: Runner, directory: string): Promise<string> {
  const git = createGit(runner, directory);
  return (await git.find("rev-parse", "--show-toplevel").catch(() => undefined)) ?? realpath(directory);
}

/** Every exit code is an answer here: the error is made from the output. */
const ALL_FAILURES = Array.from({ length: 255 }, (_, index) => index + 1);

async function readResult(idFile: string, metadataFile: string): Promise<Omit<BuiltImage, "tested">> {
  // Not every way of building writes each of them; a driver may leave single facts out.
  const id = (await readFile(idFile, "utf8").catch(() => "")).trim();
  const metadata = await readFile(metadataFile, "utf8").catch(() => "{}");
  const facts = JSON.parse(metadata) as Record<string, unknown>;
  const config = facts["containerimage.config.digest"];
  const digest = facts["containerimage.digest"];
  const descriptor = facts["containerimage.descriptor"] as { readonly mediaType?: unknown } | undefined;
  const ids = [id, digest, config].filter((name) => typeof name === "string").filter(isDigest);
  return {
    ids: [...new Set(ids)],
    ...(typeof digest === "string" ? { digest } : {}),
    ...(typeof config === "string" ? { config } : {}),
    ...(typeof descriptor?.mediaType === "string" ? { mediaType: descriptor.mediaType } : {}),
  };
}
