import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import type { ApplicationSettings, BuildSettings } from "@belay/config";
import { digestOf, type Redactor, type Runner, shortDigest } from "@belay/core";
import { isSecretName } from "./check-services.ts";
import { isBuiltBefore } from "./is-built-before.ts";
import { registerKnownSecrets } from "./register-secrets.ts";
import { repositoryOf } from "./run-builder.ts";

/**
 * Which settings decide what is in an image, besides the commit: their names as in belay.yaml (`args.VERSION`, `target`) and
 * a digest of each value. Of a secret only its id counts, of an argument with the name of a secret only that it is there.
 *
 * A release goes to a registry, and so may these. Each digest holds the commit and the name too, so that no table of values
 * helps; who tries values one by one finds a short one all the same, as it stands in the image's own history.
 */
export type ImageInputs = Readonly<Record<string, string>>;

export interface ImageInputsOptions {
  readonly application: ApplicationSettings;
  /** Full SHA of the commit that is built. Those of two commits can't be compared. */
  readonly revision: string;
  readonly runner: Runner;
  /** The repository's folder, where it is known already. */
  readonly top?: string;
  /** What it knows is in no digest either. It learns first which of the builds' secrets are there. */
  readonly redactor: Redactor;
}

/**
 * The {@link ImageInputs} of every service that has a build, by the service's name. They are the same in every checkout of
 * the repository. What only describes an image (labels, annotations) or makes it faster is none of them, nor are platforms,
 * which the image itself tells. An image that somebody else built has one: `from`, its name in the engine, or `archive`, what is
 * in it.
 */
export async function imageInputs(options: ImageInputsOptions): Promise<Record<string, ImageInputs>> {
  const { application, runner, redactor, top } = options;
  const services = Object.entries(application.services);
  const built = services.flatMap(([name, { build }]) => (build === undefined ? [] : [[name, build] as const]));
  if (built.length === 0) return {};
  await registerKnownSecrets(services, { onSecret: (value) => redactor.add(value) });
  const root = await realpath(top ?? (await repositoryOf(runner, application.directory)));
  const each = built.map(
    async ([name, build]) =>
      [name, await (isBuiltBefore(build) ? takenFrom(build, options) : inputsOf(build, root, options))] as const,
  );
  return Object.fromEntries(await Promise.all(each));
}

async function inputsOf(
  build: BuildSettings,
  root: string,
  { redactor, revision }: ImageInputsOptions,
): Promise<ImageInputs> {
  const { context, dockerfile, target, testTarget, provenance, sbom } = build;
  const place = (path: string): Promise<string> => placeIn(root, path);
  const args = Object.entries(build.args).map(
    ([name, value]) => [`args.${name}`, isSecretName(name) ? undefined : redactor.redact(value)] as const,
  );
  const contexts = Object.entries(build.contexts ?? {}).map(
    async ([name, at]) => [`contexts.${name}`, isAbsolute(at) ? await place(at) : redactor.redact(at)] as const,
  );
  const plain = { target, "test-target": testTarget, provenance, sbom };
  const values: (readonly [string, unknown])[] = [
    ["context", await place(context)],
    ["dockerfile", await place(dockerfile ?? join(context, "Dockerfile"))],
    ...Object.entries(plain).filter(([, value]) => value !== undefined),
    ...args,
    ...(await Promise.all(contexts)),
    ...Object.keys(build.secrets ?? {}).map((id) => [`secrets.${id}`, undefined] as const),
    ...(build.ssh ?? []).map((key) => [`ssh.${key.split("=")[0]}`, undefined] as const),
  ];
  return digestsOf(values, revision);
}

async function takenFrom(
  { from, archive }: BuildSettings,
  { redactor, revision }: ImageInputsOptions,
): Promise<ImageInputs> {
  if (archive === undefined) return digestsOf([["from", redactor.redact(from ?? "")]], revision);
  const { savedConfigs } = await import("./archive/unpack-image.ts");
  // What can't be read is told by who takes it; nobody does when the commit was pushed before.
  return digestsOf([["archive", await savedConfigs(archive).catch(() => undefined)]], revision);
}

/** Short, since a target keeps releases too, and some keep them in little space. */
function digestsOf(values: readonly (readonly [string, unknown])[], revision: string): ImageInputs {
  return Object.fromEntries(values.map(([name, value]) => [name, inputDigest(revision, name, value)]));
}

/** What {@link imageInputs} say of one setting. */
export function inputDigest(revision: string, name: string, value: unknown): string {
  return shortDigest(digestOf([revision, name, value ?? null]), 16);
}

/** Path in the repository. What is elsewhere may be elsewhere next time. */
async function placeIn(root: string, path: string): Promise<string> {
  const below = relative(root, await realpath(path).catch(() => path));
  return below.startsWith("..") || isAbsolute(below) ? "outside" : below.replaceAll("\\", "/");
}
