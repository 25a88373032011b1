import { BelayError, type Log, oneLine, type Runner } from "@belay/core";

/** What builds an image here. */
export interface Builder {
  /**
   * `buildx`: the plugin. `buildkit`: `docker build` of a client before 23.0, which has BuildKit built in. `legacy`: the
   * classic builder, all that a newer client without the plugin has left.
   */
  readonly kind: "buildx" | "buildkit" | "legacy";
  /** buildx's own name of the builder that it uses: `default`, or what `docker buildx create` was told. */
  readonly name?: string;
  /** How buildx reaches BuildKit: `docker` (the engine's own), `docker-container`, `kubernetes`, `remote`. */
  readonly driver?: string;
}

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

/**
 * Looks at the docker command line. `name`: the buildx builder to use; default: the one that buildx itself would.
 * @throws BelayError TOOL_MISSING without docker, or without buildx when a builder is named; INVALID_INPUT when buildx does
 *   not know the builder
 */
export async function findBuilder(cli: DockerCli, log?: Log, name?: string): Promise<Builder> {
  const inspected = await ask(cli, "looking at the builder", [
    "buildx",
    "inspect",
    ...(name === undefined ? [] : [name]),
  ]);
  const [own = name, driver] = [fieldOf(inspected.stdout, "Name"), fieldOf(inspected.stdout, "Driver")];
  if (inspected.exitCode === 0 && driver !== undefined) {
    // It names none where an engine's own builder can't be asked; why not, the engine's client tells.
    return { kind: "buildx", driver: driver || "docker", ...(own === undefined ? {} : { name: own }) };
  }
  const version = await ask(cli, "looking for docker buildx", ["buildx", "version"]);
  if (version.exitCode === 0) throw unusable(name, inspected.stderr);
  if (name !== undefined) throw noBuildx(name);
  const major = await clientMajor(cli);
  if (major !== undefined && major < FIRST_WITHOUT_BUILDKIT) return { kind: "buildkit" };
  log?.warn("docker buildx is not installed: building with docker's legacy builder, which is slower and deprecated.");
  return { kind: "legacy" };
}

function ask(cli: DockerCli, doing: string, args: readonly string[]) {
  return cli.runner(cli.command ?? "docker", args, {
    doing,
    env: cli.env ?? {},
    // The command line answers 1 or 125 for a command that it does not know, 127 for a plugin that does not start.
    allowedExitCodes: [1, 125, 126, 127],
    deadlineMs: 60_000,
  });
}

/** Of what buildx prints for people: `Name:   default`. Empty where nothing follows on the line. */
function fieldOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(\\S*)`, "m").exec(text)?.[1];
}

function unusable(name: string | undefined, stderr: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: name === undefined ? "looking at buildx's builder" : `looking at the builder ${name}`,
    got: `docker buildx said: ${oneLine(stderr.trim(), 300)}`,
    next: "`docker buildx ls` lists the builders. Name one with `builder`, or make one (`docker/setup-buildx-action`).",
  });
}

function noBuildx(name: string): BelayError {
  return new BelayError("TOOL_MISSING", {
    doing: `looking for the builder ${name}`,
    got: "docker buildx is not installed",
    next: "Install the plugin (`docker/setup-buildx-action`), or leave `builder` away.",
  });
}

async function clientMajor(cli: DockerCli): Promise<number | undefined> {
  const doing = "reading docker's version";
  const result = await cli.runner(cli.command ?? "docker", ["--version"], { doing, deadlineMs: 30_000 });
  const major = /version (\d+)\./.exec(result.stdout)?.[1];
  return major === undefined ? undefined : Number(major);
}
