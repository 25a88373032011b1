import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildSettings } from "@belay/config";
import { BelayError, isDigest, type Log, type TestCounts } from "@belay/core";
import type { BuildArguments, BuildOutput } from "./build-arguments.ts";
import type { Builder, DockerCli } from "./builder.ts";
import { clearLayout } from "./clear-layout.ts";
import { runBuilder } from "./run-builder.ts";
import { runTests } from "./run-tests.ts";

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
  /** What the reports of its tests count. */
  readonly reports?: TestCounts;
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
    const { target } = options.build;
    const common = { ...requestOf(options), epochInSteps: await wantsEpoch(options) };
    const tests = await runTests(options, { ...common, labels: {}, idFile }, folder);
    const metadataFile = join(folder, "metadata.json");
    const output = await prepareOutput(options.layout);
    const named = target === undefined ? {} : { target };
    const request = { ...common, ...named, labels: options.labels, idFile, metadataFile, output };
    await runBuilder(options, request, { testing: false });
    return { ...(await readResult(idFile, metadataFile)), ...tests };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function requestOf({ build, epoch, builtBy }: ServiceBuild): Pick<BuildArguments, "build" | "epoch" | "builtBy"> {
  return { build, ...(epoch === undefined ? {} : { epoch }), ...(builtBy === undefined ? {} : { builtBy }) };
}

/** An engine has no other way to learn it than by the steps; a layout gets it when it is written, unless a step reads it. */
async function wantsEpoch({ build, layout }: ServiceBuild): Promise<boolean> {
  if (layout === undefined) return true;
  // A missing Dockerfile is told by the build.
  const text = await readFile(build.dockerfile ?? join(build.context, "Dockerfile"), "utf8").catch(() => "");
  return text.includes("SOURCE_DATE_EPOCH");
}

async function prepareOutput(layout: string | undefined): Promise<BuildOutput> {
  if (layout === undefined) return { kind: "engine" };
  await clearLayout(layout);
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

async function readResult(idFile: string, metadataFile: string): Promise<Omit<BuiltImage, "tested" | "reports">> {
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
