import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isBelayError, messageOf, oneLine, type Release, type Runner, readJobFile, type Source } from "@belay/core";
import { recordedInputs } from "./changed-inputs.ts";
import { inputDigest } from "./image-inputs.ts";
import { repositoryOf } from "./run-builder.ts";
import { type ReadSourceOptions, readSource } from "./source.ts";

/** A Dockerfile of the repository. Outside text. */
export interface SourceDockerfile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** By service. Of a service that was built with one which is not there: why. */
export type FoundDockerfiles = ReadonlyMap<string, SourceDockerfile | { readonly missing: string }>;

export interface FindDockerfilesOptions extends Pick<ReadSourceOptions, "runner" | "env" | "event"> {
  readonly release: Release;
  readonly services: readonly string[];
  /** Folder of belay.yaml. */
  readonly directory: string;
}

/** More is no Dockerfile, in bytes. */
const LARGEST = 1024 * 1024;

/**
 * The Dockerfiles that the images of a release were built from, in the checkout that is here. Which ones they are the release
 * tells (`ImageInputs`), whatever belay.yaml and the inputs of this step say; a checkout of another commit has none of them.
 * Of images that somebody else built there is none, and nothing is said of them.
 */
export async function findDockerfiles(options: FindDockerfilesOptions): Promise<FoundDockerfiles> {
  const { release, directory, runner } = options;
  const wanted = options.services.flatMap((service): [string, string][] => {
    const digest: unknown = recordedInputs(release, service)?.dockerfile;
    return typeof digest === "string" ? [[service, digest]] : [];
  });
  if (wanted.length === 0) return new Map();
  const missing = await whyOtherCheckout(options);
  if (missing !== undefined) return new Map(wanted.map(([service]) => [service, { missing }]));
  const root = await realpath(await repositoryOf(runner, directory));
  const paths = await pathsByDigest(
    runner,
    root,
    release.source.revision,
    wanted.map(([, digest]) => digest),
  );
  const read = wanted.map(async ([service, digest]) => {
    const path = paths.get(digest);
    const none = { missing: "no file that git has is the one that it was built from" };
    return [service, path === undefined ? none : await readDockerfile(root, path)] as const;
  });
  return new Map(await Promise.all(read));
}

/** Why what is checked out is not what the release was built from. */
async function whyOtherCheckout(options: FindDockerfilesOptions): Promise<string | undefined> {
  const { release, directory, runner, env, event } = options;
  const isHere = ({ revision, mergedOnto }: Source): boolean =>
    revision === release.source.revision && mergedOnto === release.source.mergedOnto;
  try {
    const given = event === undefined ? {} : { event };
    const here = await readSource({ workingDirectory: directory, runner, env, paths: [], ...given });
    if (isHere(here)) return undefined;
    return `commit ${here.revision.slice(0, 12)} is checked out, and the release is of ${oneLine(release.source.revision, 12)}`;
  } catch (error) {
    // Also without git, of which a scan has no other need.
    if (!isBelayError(error)) throw error;
    return `there is no checkout (${oneLine(error.got, 200)})`;
  }
}

/** Few have another name than these: only then all files are looked through. */
const USUAL = [":(icase)*dockerfile*", ":(icase)*containerfile*"];

async function pathsByDigest(
  runner: Runner,
  root: string,
  revision: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const words of [["--", ...USUAL], ["--recurse-submodules"]]) {
    if (digests.every((digest) => found.has(digest))) break;
    const paths = (await git(runner, root, ["ls-files", "-z", ...words]))?.split("\0") ?? [];
    for (const path of paths) {
      const digest = inputDigest(revision, "dockerfile", path);
      if (digests.includes(digest)) found.set(digest, path);
    }
  }
  return found;
}

/** The place is that of the file itself: a link that is there now was put there after the build, and leads who knows where. */
async function readDockerfile(root: string, path: string): Promise<SourceDockerfile | { readonly missing: string }> {
  const file = join(root, path);
  try {
    if ((await lstat(file)).isSymbolicLink()) return { missing: `${oneLine(path)} is a link now` };
    return { path, text: await readJobFile(file, LARGEST, root) };
  } catch (error) {
    return { missing: oneLine(messageOf(error)) };
  }
}

/** The same file in an earlier commit, if git has that here: a shallow checkout has one commit. Nothing is fetched. */
export async function dockerfileAt(
  runner: Runner,
  directory: string,
  revision: string,
  path: string,
): Promise<string | undefined> {
  if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(revision)) return undefined;
  const root = await repositoryOf(runner, directory);
  const text = await git(runner, root, ["cat-file", "blob", `${revision}:${path}`]);
  return text === undefined || text.length > LARGEST ? undefined : text;
}

/** What git writes, as it is. `undefined` where it has none, or is not there. */
async function git(runner: Runner, cwd: string, args: readonly string[]): Promise<string | undefined> {
  const env = { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_NO_LAZY_FETCH: "1" };
  const doing = "looking for Dockerfiles in the repository";
  try {
    const result = await runner("git", args, { cwd, env, doing, allowedExitCodes: [1, 128], deadlineMs: 60_000 });
    return result.exitCode === 0 ? result.stdout : undefined;
  } catch (error) {
    if (!isBelayError(error)) throw error;
    return undefined;
  }
}
