import { BelayError, changePermit, isBelayError, messageOf, type RunOptions, type RunResult } from "@belay/core";
import { CLI_VARIABLES } from "@belay/docker";
import type { ComposeProgram, ComposeTargetOptions } from "./compose-options.ts";
import type { ComposeProject } from "./compose-project.ts";
import { placeholders } from "./missing-secrets.ts";

/** Compose 2.20 is the first whose `up --no-start` takes `--no-deps`, `--pull` and a project on stdin as used here. */
const OLDEST = [2, 20] as const;
const RENDER_DEADLINE_MS = 60_000;
const CREATE_DEADLINE_MS = 300_000;
const ASKING_VERSION = "asking docker compose for its version";

/**
 * The compose plugin. It owns what a compose file means: Belay gives the user's files to it once, and every change to what
 * came back goes in again as a whole document on stdin. So no file with secrets is written, and containers get the same
 * `config-hash` as if compose had read the user's files with the same changes in an override (tried, v2.40.3).
 */
export class ComposeCli {
  readonly #options: ComposeTargetOptions;

  private constructor(options: ComposeTargetOptions) {
    this.#options = options;
  }

  /** @throws BelayError TOOL_MISSING, TOOL_TOO_OLD */
  static async create(options: ComposeTargetOptions): Promise<ComposeCli> {
    // Beforehand it is not known where the engine is: the context that is chosen on this machine may not even exist.
    const known = options.composeVersion?.catch(() => askComposeVersion(options));
    const version = await (known ?? askComposeVersion(options));
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
      const next = `Update Docker Compose to ${OLDEST.join(".")} or newer.`;
      throw new BelayError("TOOL_TOO_OLD", { doing: ASKING_VERSION, got: `it is ${version}`, next });
    }
    return new ComposeCli(options);
  }

  /**
   * The project as compose understands the user's files.
   * @throws BelayError CONFIG_INVALID when a file is missing or wrong, or uses a variable that is not set.
   */
  async render(): Promise<ComposeProject> {
    const { files, profiles, projectDirectory } = this.#options;
    const doing = `reading the compose project ${this.#options.scope.project} (${this.#fileNames()} in ${projectDirectory})`;
    const args = [
      ...files.flatMap((file) => ["--file", file]),
      ...(profiles ?? []).flatMap((profile) => ["--profile", profile]),
      ...["config", "--format", "json"],
    ];
    const next =
      "Correct the file, or `target.files` in belay.yaml. To see it as compose does: `docker compose config`.";
    const { stdout, stderr } = await this.#run(args, {
      doing,
      failure: "CONFIG_INVALID",
      next,
      deadlineMs: RENDER_DEADLINE_MS,
      env: placeholders(this.#options),
    });
    const unset = unsetVariables(stderr);
    if (unset.length > 0) {
      throw new BelayError("CONFIG_INVALID", {
        doing,
        got: `${unset.length === 1 ? "the variable" : "the variables"} ${unset.join(", ")} ${unset.length === 1 ? "is" : "are"} used there and not set`,
        next: "Set it under `variables` or `secrets` of the environment in belay.yaml, or write a default (NAME:-) in the file.",
      });
    }
    return parseProject(stdout, doing);
  }

  /**
   * Creates containers of services up to the given numbers, existing ones counted, and touches no existing one.
   * `projectName`: another project than the target's.
   */
  async create(
    project: ComposeProject,
    scale: Readonly<Record<string, number>>,
    signal: AbortSignal,
    projectName?: string,
  ): Promise<void> {
    const services = Object.keys(scale);
    const args = [
      ...["--file", "-", "up", "--no-start", "--no-deps", "--no-recreate", "--no-build", "--pull", "never"],
      "--remove-orphans=false",
      ...Object.entries(scale).flatMap(([name, number]) => ["--scale", `${name}=${number}`]),
      ...services,
    ];
    const doing = `creating containers of ${services.join(", ")}`;
    changePermit()();
    const bounds = { signal, deadlineMs: CREATE_DEADLINE_MS };
    await this.#run(args, { doing, input: JSON.stringify(project), ...bounds }, projectName);
  }

  /** Brings up services that have no container yet, as a plain `docker compose up -d` would. */
  async up(project: ComposeProject, services: readonly string[], signal: AbortSignal): Promise<void> {
    const args = [
      "--file",
      "-",
      "up",
      "--detach",
      "--no-deps",
      "--no-recreate",
      "--no-build",
      ...["--pull", "never"],
      "--remove-orphans=false",
    ];
    changePermit()();
    await this.#run([...args, ...services], {
      doing: `starting ${services.join(", ")}, which the compose files name beside the release`,
      input: JSON.stringify(project),
      signal,
      deadlineMs: CREATE_DEADLINE_MS,
    });
  }

  #fileNames(): string {
    return this.#options.files.length === 0 ? "its default file" : this.#options.files.join(", ");
  }

  #run(args: readonly string[], run: ComposeRun, projectName = this.#options.scope.project): Promise<RunResult> {
    const { projectDirectory } = this.#options;
    const place = ["--project-name", projectName, "--project-directory", projectDirectory];
    return runCompose(this.#options, [...place, ...args], run);
  }
}

/**
 * What the compose plugin says that it is. No engine is asked, so this can be under way while a connection to one comes about.
 * @throws BelayError TOOL_MISSING
 */
export async function askComposeVersion(program: ComposeProgram): Promise<string> {
  const next = "Install Docker Compose v2 (the plugin `docker compose`).";
  try {
    const run = { doing: ASKING_VERSION, failure: "TOOL_MISSING", next } as const;
    const { stdout } = await runCompose(program, ["version", "--short"], run);
    return stdout.trim().replace(/^v/, "");
  } catch (error) {
    // Without the plugin, docker takes `compose` for a word it does not know and ends with 1 or 125.
    if (!isBelayError(error, "PROCESS_FAILED")) throw error;
    throw new BelayError("TOOL_MISSING", { doing: ASKING_VERSION, got: error.got, next, cause: error });
  }
}

type ComposeRun = Pick<RunOptions, "input" | "signal" | "failure" | "next" | "deadlineMs"> & {
  readonly doing: string;
  /** Beside the options' own. */
  readonly env?: Readonly<Record<string, string>>;
};

function runCompose(program: ComposeProgram, args: readonly string[], run: ComposeRun): Promise<RunResult> {
  const { runner, cli = "docker", cliArgs = [], cliEnv = {}, env, projectDirectory } = program;
  // A user's COMPOSE_REMOVE_ORPHANS would make compose remove services that are not in its document.
  const own = { COMPOSE_REMOVE_ORPHANS: "0", COMPOSE_IGNORE_ORPHANS: "1", COMPOSE_MENU: "0" };
  return runner(cli, [...cliArgs, "compose", ...args], {
    cwd: projectDirectory,
    deadlineMs: RENDER_DEADLINE_MS,
    ...run,
    env: { ...cliEnv, ...env, ...run.env, ...own },
    inherit: CLI_VARIABLES,
  });
}

/**
 * Variables that compose replaced by nothing. It only warns (`level=warning msg="The \"TAG\" variable is not set.
 * Defaulting to a blank string."`, on a terminal `WARN[0000] The "TAG" variable is not set. …`).
 */
export function unsetVariables(stderr: string): string[] {
  const names = [...stderr.matchAll(/The \\?"([^"\\]+)\\?" variable is not set/g)].map(([, name = ""]) => name);
  return [...new Set(names)];
}

function parseProject(json: string, doing: string): ComposeProject {
  try {
    const value = JSON.parse(json) as Partial<ComposeProject>;
    return { ...value, name: value.name ?? "", services: value.services ?? {} };
  } catch (error) {
    const got = `docker compose wrote no JSON (${messageOf(error)})`;
    throw new BelayError("CONFIG_INVALID", { doing, got, next: "Is the docker compose plugin whole?", cause: error });
  }
}
