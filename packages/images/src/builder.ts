import type { Log, Runner } from "@belay/core";

/**
 * How an image is built here. `buildx`: the plugin. `buildkit`: `docker build` of a client before 23.0, which has
 * BuildKit built in. `legacy`: the classic builder, all that a newer client without the plugin has left.
 */
export type Builder = "buildx" | "buildkit" | "legacy";

/** Newer clients refuse `DOCKER_BUILDKIT=1` without the plugin (docker/cli, `cmd/docker/builder.go`). */
const FIRST_WITHOUT_BUILDKIT = 23;

/** The docker command line that builds. */
export interface DockerCli {
  readonly runner: Runner;
  /** Default `docker`. */
  readonly command?: string;
  /** Added to its environment, so that it works for the right engine: `DOCKER_HOST`, `DOCKER_CONTEXT`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Looks at the docker command line. @throws BelayError TOOL_MISSING without it. */
export async function findBuilder(cli: DockerCli, log?: Log): Promise<Builder> {
  const env = cli.env ?? {};
  const doing = "looking for docker buildx";
  const buildx = await cli.runner(cli.command ?? "docker", ["buildx", "version"], {
    doing,
    env,
    // The command line answers 1 or 125 for a command that it does not know, 127 for a plugin that does not start.
    allowedExitCodes: [1, 125, 126, 127],
    deadlineMs: 30_000,
  });
  if (buildx.exitCode === 0) {
    log?.debug(`docker buildx is there: ${buildx.stdout.trim()}`);
    return "buildx";
  }
  const major = await clientMajor(cli);
  if (major !== undefined && major < FIRST_WITHOUT_BUILDKIT) return "buildkit";
  log?.warn("docker buildx is not installed: building with docker's legacy builder, which is slower and deprecated.");
  return "legacy";
}

async function clientMajor(cli: DockerCli): Promise<number | undefined> {
  const doing = "reading docker's version";
  const result = await cli.runner(cli.command ?? "docker", ["--version"], { doing, deadlineMs: 30_000 });
  const major = /version (\d+)\./.exec(result.stdout)?.[1];
  return major === undefined ? undefined : Number(major);
}
