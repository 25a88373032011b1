import type { BuildSettings } from "@belay/config";
import type { Builder } from "./builder.ts";

/**
 * One run of a builder. Build arguments are shown in the log and stay readable in the image's history: they are no
 * place for secrets.
 */
export interface BuildArguments {
  readonly build: BuildSettings;
  /** Stage to stop at. */
  readonly target?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The builder writes the id of the image here. */
  readonly idFile: string;
  /** The builder (buildx only) writes what it made here, as JSON. */
  readonly metadataFile?: string;
  /** Makes an image. Without it the stage is only run: for tests. */
  readonly keep: boolean;
}

/**
 * Every option is one word, `--name=value`, and the context comes after `--`: no value, whatever a branch or a build
 * argument is called, can become an option.
 */
export function buildxArguments(request: BuildArguments): string[] {
  const output = request.keep ? ["--load"] : ["--output=type=cacheonly"];
  const metadata = request.metadataFile === undefined ? [] : [`--metadata-file=${request.metadataFile}`];
  return ["buildx", "build", "--progress=plain", ...output, ...metadata, ...common(request)];
}

/** `docker build` with the BuildKit that is built into clients before 23.0. */
export function buildkitArguments(request: BuildArguments): string[] {
  return ["build", "--progress=plain", ...common(request)];
}

/** `docker build` with the classic builder, which leaves the container of a failed step behind unless told not to. */
export function legacyArguments(request: BuildArguments): string[] {
  return ["build", "--force-rm", ...common(request)];
}

export function argumentsFor(builder: Builder, request: BuildArguments): string[] {
  if (builder === "buildx") return buildxArguments(request);
  return builder === "buildkit" ? buildkitArguments(request) : legacyArguments(request);
}

/**
 * No attestations: with them a single image becomes an index, whose digest is not what the platform's manifest is.
 * They are asked for by their own stage. The variable is read by buildx 0.10 and newer; older ones make none.
 */
export function environmentFor(builder: Builder): Record<string, string> {
  if (builder === "buildx") return { BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  return { DOCKER_BUILDKIT: builder === "buildkit" ? "1" : "0" };
}

function common({ build, target, labels, idFile }: BuildArguments): string[] {
  return [
    `--iidfile=${idFile}`,
    ...(build.dockerfile === undefined ? [] : [`--file=${build.dockerfile}`]),
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...build.platforms.map((platform) => `--platform=${platform}`),
    ...Object.entries(build.args).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
    "--",
    build.context,
  ];
}
