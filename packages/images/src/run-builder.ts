import { realpath } from "node:fs/promises";
import type { Runner } from "@belay/core";
import { argumentsFor, type BuildArguments, environmentFor } from "./build-arguments.ts";
import type { ServiceBuild } from "./build-service.ts";
import { explainBuildFailure } from "./explain-build-failure.ts";
import { createGit } from "./git.ts";

export interface RunOptions {
  /** The request is about the tests. */
  readonly testing: boolean;
  /** Stage that the user named, where the request's own is another. */
  readonly stage?: string;
}

/** Runs the builder once. @throws BelayError TESTS_FAILED, BUILD_FAILED, TOOL_TOO_OLD */
export async function runBuilder(
  options: ServiceBuild,
  request: BuildArguments,
  { testing, stage }: RunOptions,
): Promise<void> {
  const { builder, cli, service, log, signal, build, directory } = options;
  const { exitCode, stdout, stderr } = await cli.runner(cli.command ?? "docker", argumentsFor(builder, request), {
    doing: testing ? `testing ${service}` : `building ${service}`,
    env: { ...cli.env, ...environmentFor(builder, build) },
    // What is relative in caches and ssh keys is relative to belay.yaml.
    cwd: directory,
    log,
    allowedExitCodes: ALL_FAILURES,
    ...(signal === undefined ? {} : { signal }),
  });
  if (exitCode === 0) return;
  const { context, dockerfile } = build;
  const target = stage ?? request.target;
  throw await explainBuildFailure({
    ...{ service, builder, context, testing, log, directory, exitCode, output: `${stdout}\n${stderr}` },
    rootOf: () => repositoryOf(cli.runner, directory),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(target === undefined ? {} : { target }),
  });
}

/** The repository's folder, or the given one where there is none. */
export async function repositoryOf(runner: Runner, directory: string): Promise<string> {
  const git = createGit(runner, directory);
  return (await git.find("rev-parse", "--show-toplevel").catch(() => undefined)) ?? realpath(directory);
}

/** Every exit code is an answer here: the error is made from the output. */
const ALL_FAILURES = Array.from({ length: 255 }, (_, index) => index + 1);
