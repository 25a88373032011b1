import type { BuildSettings } from "@belay/config";
import type { Builder } from "./builder.ts";
import { csvRow } from "./csv-row.ts";

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
  readonly output: BuildOutput;
}

/** `none`: the stage is only run, for tests. `engine`: an image in the engine. `layout`: an OCI layout in a folder. */
export type BuildOutput =
  | { readonly kind: "none" }
  | { readonly kind: "engine" }
  | { readonly kind: "layout"; readonly path: string };

/**
 * Every option is one word, `--name=value`, and the context comes after `--`: no value, whatever a branch or a build
 * argument is called, can become an option.
 */
export function buildxArguments(request: BuildArguments, builder?: string): string[] {
  return [
    ...["buildx", "build", "--progress=plain"],
    ...(builder === undefined ? [] : [`--builder=${builder}`]),
    outputArgument(request.output),
    ...(request.metadataFile === undefined ? [] : [`--metadata-file=${request.metadataFile}`]),
    ...common(request),
  ];
}

function outputArgument(output: BuildOutput): string {
  if (output.kind === "engine") return "--load";
  if (output.kind === "none") return "--output=type=cacheonly";
  return `--output=${csvRow("type=oci", "tar=false", `dest=${output.path}`)}`;
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
  if (builder.kind === "buildx") return buildxArguments(request, builder.name);
  return builder.kind === "buildkit" ? buildkitArguments(request) : legacyArguments(request);
}

/**
 * No attestations: with them a single image becomes an index, whose digest is not what the platform's manifest is.
 * The variable is read by buildx 0.10 and newer; older ones make none. Nor does anybody read the
 * provenance in the metadata file, which buildx would wait for.
 */
export function environmentFor({ kind }: Builder): Record<string, string> {
  if (kind === "buildx") return { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDX_METADATA_PROVENANCE: "disabled" };
  return { DOCKER_BUILDKIT: kind === "buildkit" ? "1" : "0" };
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
