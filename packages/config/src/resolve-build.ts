import { resolve } from "node:path";
import type { BuildInput } from "./build-inputs.ts";
import { FORMATS, hasFormat } from "./formats.ts";
import type { OverrideInput, Overrides } from "./overrides.ts";
import { showValue } from "./problem.ts";
import type { Resolution } from "./resolution.ts";
import type { ServiceData, ServiceOverrideData } from "./schema.ts";
import type { BuildSecret, BuildSettings } from "./settings.ts";

type BuildData = NonNullable<ServiceOverrideData["build"]>;

export interface BuildSources {
  readonly resolution: Resolution;
  /** Of the service. */
  readonly name: string;
  readonly directory: string;
  readonly base: ServiceData["build"];
  readonly over: ServiceOverrideData["build"];
  readonly inputs: Overrides;
  /** Whether it is built although nothing says so. */
  readonly implied: boolean;
}

/** How a service is built: the file, its override for the environment, the inputs, the later over the earlier. */
export function resolveBuild(sources: BuildSources): BuildSettings | undefined {
  const { base, over, inputs, implied, directory } = sources;
  const data: BuildData = { ...base, ...over };
  const context = inputs.buildContext ?? data.context;
  const wanted = [inputs.dockerfile, inputs.buildTarget, inputs.testTarget, inputs.buildArgs, inputs.platforms];
  const said = [context, data.from, data.archive, ...wanted, inputs.build];
  if (!implied && said.every((value) => value === undefined)) return undefined;
  const folder = resolve(directory, context ?? ".");
  const dockerfile = inputs.dockerfile ?? data.dockerfile;
  return defined({
    context: folder,
    ...builtBefore(sources),
    dockerfile: dockerfile === undefined ? undefined : resolve(folder, dockerfile),
    target: inputs.buildTarget ?? data.target,
    testTarget: inputs.testTarget ?? data["test-target"],
    args: texts({ ...base?.args, ...over?.args, ...inputs.buildArgs }) ?? {},
    platforms: inputs.platforms ?? data.platforms ?? [],
    ...more(sources, data),
    ...attestations(sources, data),
    ...testReports(sources, data),
  });
}

/** The last of file, override and inputs that names an image which is there already. */
function builtBefore({ resolution, base, over, inputs, directory }: BuildSources) {
  const given = inputs.build ?? {};
  if (given.from !== undefined && !hasFormat(given.from, FORMATS.word)) {
    resolution.refuse("from-image", `it is ${showValue(given.from)}. Legal values: the name or the ID of an image.`);
  }
  if (given.archive !== undefined && !hasFormat(given.archive, FORMATS.path)) {
    resolution.refuse("from-archive", `it is ${showValue(given.archive)}. Legal values: ${FORMATS.path.legal}.`);
  }
  if (given.from !== undefined && given.archive !== undefined) {
    resolution.refuse("from-archive", "`from-image` is given, too. Keep one of them.");
  }
  const named = [given, over, base].find((one) => one?.from !== undefined || one?.archive !== undefined);
  const archive = named?.archive;
  return { from: named?.from, archive: archive === undefined ? undefined : resolve(directory, archive) };
}

function more(sources: BuildSources, data: BuildData) {
  const { base, over, name } = sources;
  const inputs = sources.inputs.build ?? {};
  const fill = (caches: readonly string[] | undefined) => caches?.map((one) => one.replaceAll("{service}", name));
  return {
    contexts: contexts(sources),
    secrets: secrets(sources),
    ssh: each(sources, "ssh", inputs.ssh, data.ssh),
    cacheFrom: fill(caches(sources, "cache-from", inputs.cacheFrom, data["cache-from"])),
    cacheTo: fill(caches(sources, "cache-to", inputs.cacheTo, data["cache-to"])),
    labels: labels(sources, texts({ ...base?.labels, ...over?.labels, ...inputs.labels })),
    annotations: keyed(
      sources,
      "annotations",
      "annotation",
      texts({ ...base?.annotations, ...over?.annotations, ...inputs.annotations }),
    ),
    reproducible: inputs.reproducible ?? data.reproducible,
    pull: inputs.pull ?? data.pull,
    noCache: inputs.noCache ?? data["no-cache"],
    tags: inputs.tags ?? data.tags,
    flavor: inputs.flavor ?? data.flavor,
  };
}

function attestations({ resolution, inputs }: BuildSources, data: BuildData) {
  const provenance = inputs.build?.provenance ?? data.provenance;
  const sbom = inputs.build?.sbom ?? data.sbom;
  if (typeof inputs.build?.sbom === "string" && !hasFormat(inputs.build.sbom, FORMATS.word)) {
    resolution.refuse(
      "sbom",
      `it is ${showValue(inputs.build.sbom)}. Legal values: true, false, or the image of a generator.`,
    );
  }
  return {
    provenance: provenance === "none" ? undefined : provenance,
    sbom: sbom === false ? undefined : sbom,
  };
}

/** A path of the image is absolute; one of this machine is relative, so that the two can't be mixed up. */
function testReports(sources: BuildSources, data: BuildData) {
  const { directory, inputs } = sources;
  const path = inputs.build?.testReports ?? data["test-reports"];
  if (path === undefined) return {};
  if (!path.startsWith("/")) return { testReportFiles: resolve(directory, path) };
  if ((inputs.testTarget ?? data["test-target"]) === undefined) {
    refuse(
      sources,
      "test-reports",
      `${showValue(path)} is a folder of the test stage. Name that stage with \`test-target\`.`,
    );
  }
  return { testReports: path };
}

/** A folder is relative to belay.yaml; an address, an image or a stage is taken as it is. */
function contexts({
  base,
  over,
  inputs,
  directory,
  ...sources
}: BuildSources): Readonly<Record<string, string>> | undefined {
  const given = texts({ ...base?.contexts, ...over?.contexts, ...inputs.build?.contexts });
  keyed({ base, over, inputs, directory, ...sources }, "build-contexts", "id", given);
  const isPath = (value: string): boolean => !/^[a-z][a-z0-9+.-]*:|^git@/.test(value);
  const paths = Object.entries(given ?? {}).map(([key, value]) => [
    key,
    isPath(value) ? resolve(directory, value) : value,
  ]);
  return given === undefined ? undefined : Object.fromEntries(paths);
}

function secrets(sources: BuildSources): Readonly<Record<string, BuildSecret>> | undefined {
  const { base, over, inputs, resolution, directory } = sources;
  const envs = keyed(sources, "secret-envs", "id", inputs.build?.secretEnvs);
  const files = keyed(sources, "secret-files", "id", inputs.build?.secretFiles);
  for (const [id, env] of Object.entries(envs ?? {})) {
    if (hasFormat(env, FORMATS.variable)) continue;
    // What stands here instead of a name may be the secret itself.
    resolution.refuse(
      "secret-envs",
      `${id} names no environment variable. Write ${id}=NAME, and give NAME under \`env:\`.`,
    );
  }
  const found: Record<string, BuildSecret> = {};
  for (const [id, { env, file }] of Object.entries({ ...base?.secrets, ...over?.secrets })) {
    if (env !== undefined) found[id] = { env };
    else if (file !== undefined) found[id] = { file: resolve(directory, file) };
  }
  for (const [id, env] of Object.entries(envs ?? {})) found[id] = { env };
  for (const [id, file] of Object.entries(files ?? {})) found[id] = { file: resolve(directory, file) };
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Labels that tell where the image comes from are Belay's alone. */
const OWN = /^(?:dev\.belay\.|org\.opencontainers\.image\.(?:revision|source)$)/;

function labels(sources: BuildSources, given: Readonly<Record<string, string>> | undefined) {
  const own = Object.keys(given ?? {}).find((key) => OWN.test(key));
  if (own !== undefined) refuse(sources, "labels", `it sets ${own}, which Belay itself writes. Leave it away.`);
  return keyed(sources, "labels", "label", given);
}

/** Words that hold credentials in buildx's caches, as CSV: arguments are seen by everybody on the machine. */
const CREDENTIAL =
  /(?:^|,)\s*"?\s*(token|ghtoken|access_key_id|secret_access_key|session_token|account_key|password)\s*=/i;

/** What buildx takes from its environment, so that nobody has to write it down (buildx, `util/buildflags/cache.go`). */
const FROM_ENVIRONMENT: Readonly<Record<string, string>> = {
  "gha token": "Leave it away: a step with `uses:` has it as ACTIONS_RUNTIME_TOKEN.",
  "gha ghtoken": "Leave it away: it only spares BuildKit some questions to the cache.",
  "s3 access_key_id": "Give it to this step as AWS_ACCESS_KEY_ID.",
  "s3 secret_access_key": "Give it to this step as AWS_SECRET_ACCESS_KEY.",
  "s3 session_token": "Give it to this step as AWS_SESSION_TOKEN.",
};

/** A credential is looked for first: what has not the format is shown. */
function caches(
  sources: BuildSources,
  input: BuildInput,
  given: readonly string[] | undefined,
  own: readonly string[] | undefined,
): readonly string[] | undefined {
  const cache = (given ?? own)?.find((one) => CREDENTIAL.test(one));
  if (cache === undefined) return each(sources, input, given, own, "cache");
  const name = CREDENTIAL.exec(cache)?.[1]?.toLowerCase() ?? "";
  const type = /(?:^|,)\s*"?\s*type=(\w+)/i.exec(cache)?.[1]?.toLowerCase() ?? "";
  const advice =
    FROM_ENVIRONMENT[`${type} ${name}`] ?? 'Give it by the environment (docker docs, "Cache storage backends").';
  refuse(sources, input, `it holds a credential (${name}), which others could read on the machine. ${advice}`);
  return undefined;
}

function refuse({ resolution }: BuildSources, input: OverrideInput, message: string): void {
  resolution.refuse(input, message);
}

/** The input's lines where there are any, else the file's; the schema has checked those. */
function each(
  { resolution }: BuildSources,
  input: BuildInput,
  given: readonly string[] | undefined,
  own: readonly string[] | undefined,
  format: keyof typeof FORMATS = "ssh",
): readonly string[] | undefined {
  const wrong = given?.find((value) => !hasFormat(value, FORMATS[format]));
  if (wrong !== undefined)
    resolution.refuse(input, `it has ${showValue(wrong)}. Legal values: ${FORMATS[format].legal}.`);
  return given ?? own;
}

function keyed(
  { resolution }: BuildSources,
  input: BuildInput,
  format: keyof typeof FORMATS,
  given: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  const wrong = Object.keys(given ?? {}).find((key) => !hasFormat(key, FORMATS[format]));
  if (wrong !== undefined)
    resolution.refuse(input, `it has the name ${showValue(wrong)}. Legal values: ${FORMATS[format].legal}.`);
  return given;
}

function texts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(values).map(([key, value]): [string, string] => [key, String(value)]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Leaves out what nobody said. */
function defined(values: { readonly [K in keyof BuildSettings]: BuildSettings[K] | undefined }): BuildSettings {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as object as BuildSettings;
}
