import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { BuildSettings } from "@belay/config";
import { BelayError, isDigest, type Log, oneLine, tail } from "@belay/core";
import { argumentsFor, type BuildArguments, environmentFor } from "./build-arguments.ts";
import { type FailedStep, readFailure } from "./build-failure.ts";
import type { Builder, DockerCli } from "./builder.ts";

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
}

/** What the builder says it made. */
export interface BuiltImage {
  /** Names under which the engine may know the image, the likeliest first. */
  readonly ids: readonly string[];
  /** Digest of the config, where the builder told it. */
  readonly config?: string;
  /** What the image's digest points to, where the builder told it. */
  readonly mediaType?: string;
  readonly tested: boolean;
}

/** Lines of the builder's output that go into an error. */
const SHOWN = 30;

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
      await run(options, { build: options.build, target: testTarget, labels: {}, idFile, keep: false });
    }
    const metadataFile = join(folder, "metadata.json");
    await run(options, {
      build: options.build,
      ...(target === undefined ? {} : { target }),
      labels: options.labels,
      idFile,
      metadataFile,
      keep: true,
    });
    return { ...(await readResult(idFile, metadataFile)), tested: testTarget !== undefined };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
  const { builder, cli, service, log, signal } = options;
  const testing = !request.keep;
  const result = await cli.runner(cli.command ?? "docker", argumentsFor(builder, request), {
    doing: testing ? `testing ${service}` : `building ${service}`,
    env: { ...cli.env, ...environmentFor(builder) },
    log,
    allowedExitCodes: ALL_FAILURES,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.exitCode === 0) return;
  if (/client version \S+ is too old/.test(result.stderr)) throw tooOld(service, result.stderr);
  throw await failure(options, request, `${result.stdout}\n${result.stderr}`, result.exitCode);
}

/** Every exit code is an answer here: the error is made from the output. */
const ALL_FAILURES = Array.from({ length: 255 }, (_, index) => index + 1);

async function failure(
  options: ServiceBuild,
  request: BuildArguments,
  output: string,
  exitCode: number,
): Promise<BelayError> {
  const { service, build, directory, log } = options;
  const path = build.dockerfile ?? join(build.context, "Dockerfile");
  const file = relative(directory, path);
  const dockerfile = await readFile(path, "utf8").catch(() => "");
  const step = readFailure(output, dockerfile);
  const testsFailed = !request.keep && step.exitCode !== undefined && inStage(step, request.target);
  const doing = `${testsFailed ? "testing" : "building"} ${service}${request.target ? ` (stage ${request.target})` : ""}`;
  const got = `${describeStep(step, file) ?? `docker ended with exit code ${exitCode}`}. Its last output:\n${tail(output.trim(), SHOWN).join("\n")}\n`;
  const next = dockerfile === "" ? `There is no ${file}: correct services.${service}.build.dockerfile.` : undefined;
  if (step.line !== undefined) {
    const title = testsFailed ? `Tests of ${service} failed` : `Build of ${service} failed`;
    log.error(describeStep(step, file) ?? title, { title, file, line: step.line });
  }
  return new BelayError(testsFailed ? "TESTS_FAILED" : "BUILD_FAILED", {
    doing,
    got,
    ...(next === undefined ? {} : { next }),
  });
}

function tooOld(service: string, stderr: string): BelayError {
  return new BelayError("TOOL_TOO_OLD", {
    doing: `building ${service}`,
    got: `the engine no longer speaks with this docker command line: ${oneLine(stderr)}`,
    next: "Update the docker command line.",
  });
}

/** BuildKit leaves the stage's name out when the Dockerfile has only one stage. */
function inStage(step: FailedStep, target: string | undefined): boolean {
  return step.stage === undefined || step.stage.toLowerCase() === target?.toLowerCase();
}

function describeStep(step: FailedStep, file: string): string | undefined {
  if (step.instruction === undefined && step.line === undefined) return undefined;
  const where = step.line === undefined ? file : `${file}:${step.line}`;
  const ending = step.exitCode === undefined ? "failed" : `ended with exit code ${step.exitCode}`;
  return `${where}: ${step.instruction ?? "a step"} ${ending}`;
}

async function readResult(idFile: string, metadataFile: string): Promise<Omit<BuiltImage, "tested">> {
  const id = (await readFile(idFile, "utf8")).trim();
  // Only buildx writes it; a driver may leave single facts out.
  const metadata = await readFile(metadataFile, "utf8").catch(() => "{}");
  const facts = JSON.parse(metadata) as Record<string, unknown>;
  const config = facts["containerimage.config.digest"];
  const manifest = facts["containerimage.digest"];
  const descriptor = facts["containerimage.descriptor"] as { readonly mediaType?: unknown } | undefined;
  const ids = [id, manifest, config].filter((name) => typeof name === "string").filter(isDigest);
  return {
    ids: [...new Set(ids)],
    ...(typeof config === "string" ? { config } : {}),
    ...(typeof descriptor?.mediaType === "string" ? { mediaType: descriptor.mediaType } : {}),
  };
}
