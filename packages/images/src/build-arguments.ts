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
  /** Time that the image and, in a layout, its files carry: seconds since 1970 (reproducible-builds.org). */
  readonly epoch?: number;
  /**
   * Whether the steps get the epoch too, as the argument SOURCE_DATE_EPOCH. WORKDIR takes it into what it makes, so that no
   * step behind it is found in the cache of another commit (BuildKit, `dockerfile2llb/convert.go`, `dispatchWorkdir`).
   */
  readonly epochInSteps?: boolean;
  /** Web address of the run, for the provenance. */
  readonly builtBy?: string;
}

/**
 * `none`: the stage is only run, for tests. `files`: its files are written into a folder. `engine`: an image in the engine.
 * `layout`: an OCI layout in a folder.
 */
export type BuildOutput =
  | { readonly kind: "none" }
  | { readonly kind: "files"; readonly path: string }
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
    ...outputArguments(request),
    ...(request.metadataFile === undefined ? [] : [`--metadata-file=${request.metadataFile}`]),
    ...(isImage(request.output) ? imageArguments(request) : []),
    ...words("build-context", pairs(request.build.contexts)),
    ...words("cache-from", request.build.cacheFrom),
    ...mounts(request.build),
    ...common(request),
  ];
}

/** `docker build` with the BuildKit that is built into clients before 23.0. */
export function buildkitArguments(request: BuildArguments): string[] {
  const files = request.output.kind === "files" ? outputArguments(request) : [];
  return ["build", "--progress=plain", ...files, ...mounts(request.build), ...common(request)];
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
 * No attestations but those that were asked for: with them a single image becomes an index, whose digest is not what the
 * platform's manifest is. The variable is read by buildx 0.10 and newer; older ones make none. Nor does anybody read the
 * provenance in the metadata file, which buildx would wait for.
 */
export function environmentFor({ kind }: Builder, build?: BuildSettings): Record<string, string> {
  // Without provenance nobody reads what buildx would ask git seven times.
  const git = build?.provenance === undefined ? { BUILDX_GIT_INFO: "false" } : {};
  if (kind === "buildx") return { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDX_METADATA_PROVENANCE: "disabled", ...git };
  return { DOCKER_BUILDKIT: kind === "buildkit" ? "1" : "0" };
}

function isImage(output: BuildOutput): boolean {
  return output.kind === "engine" || output.kind === "layout";
}

/** `rewrite-timestamp`: files of new layers get the epoch too, where theirs is later (BuildKit docs, "SOURCE_DATE_EPOCH"). */
function outputArguments({ output, epoch, build }: BuildArguments): string[] {
  if (output.kind === "engine") return ["--load"];
  if (output.kind === "none") return ["--output=type=cacheonly"];
  if (output.kind === "files") return [`--output=${csvRow("type=local", `dest=${output.path}`)}`];
  const time = build.args.SOURCE_DATE_EPOCH ?? epoch;
  const times = epoch === undefined ? [] : ["rewrite-timestamp=true", `source-date-epoch=${time}`];
  return [`--output=${csvRow("type=oci", "tar=false", ...times, `dest=${output.path}`)}`];
}

/** What only the image itself has, and not the run of its tests. */
function imageArguments({ build, builtBy }: BuildArguments): string[] {
  const by = builtBy === undefined ? [] : [`builder-id=${builtBy}`];
  const provenance =
    build.provenance === undefined ? [] : [csvRow("type=provenance", `mode=${build.provenance}`, ...by)];
  const generator = typeof build.sbom === "string" ? [`generator=${build.sbom}`] : [];
  const sbom = build.sbom === undefined ? [] : [csvRow("type=sbom", ...generator)];
  return [
    ...words("cache-to", build.cacheTo),
    ...words("annotation", pairs(build.annotations)),
    ...words("attest", [...provenance, ...sbom]),
  ];
}

/** A secret is named here, never given: buildx reads it from its environment or the file. */
function mounts({ secrets, ssh }: BuildSettings): string[] {
  const sources = Object.entries(secrets ?? {}).map(([id, from]) =>
    csvRow(`id=${id}`, "env" in from ? `env=${from.env}` : `src=${from.file}`),
  );
  return [...words("secret", sources), ...words("ssh", ssh)];
}

/** An export of files has no image, and so no id (buildx refuses the file then). */
function idArguments({ output, idFile }: BuildArguments): string[] {
  return output.kind === "files" ? [] : [`--iidfile=${idFile}`];
}

function common(request: BuildArguments): string[] {
  const { build, target, labels, epoch, epochInSteps } = request;
  const times = epoch === undefined || epochInSteps !== true ? {} : { SOURCE_DATE_EPOCH: String(epoch) };
  return [
    ...idArguments(request),
    ...(build.dockerfile === undefined ? [] : [`--file=${build.dockerfile}`]),
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...(build.pull === true ? ["--pull"] : []),
    ...(build.noCache === true ? ["--no-cache"] : []),
    ...words("platform", build.platforms),
    ...words("build-arg", pairs({ ...times, ...build.args })),
    ...words("label", pairs(labels)),
    "--",
    build.context,
  ];
}

function words(option: string, values: readonly string[] = []): string[] {
  return values.map((value) => `--${option}=${value}`);
}

function pairs(values: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}
