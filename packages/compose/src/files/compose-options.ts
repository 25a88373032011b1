import type { Clock, Log, Redactor, Runner, Scope } from "@belay/core";
import type { Docker, RegistryAuth } from "@belay/docker";

/** How the compose plugin is run. */
export interface ComposeProgram {
  readonly runner: Runner;
  /** The docker command line, whose compose plugin renders the files and creates containers. Default `docker`. */
  readonly cli?: string;
  /** In front of `compose`: `["--context", "staging"]`. Must lead to the same engine as `docker`. */
  readonly cliArgs?: readonly string[];
  /** `DOCKER_HOST` and the like. */
  readonly cliEnv?: Readonly<Record<string, string>>;
  /** Folder from which the files' relative paths and `.env` are read. */
  readonly projectDirectory: string;
  /** Variables for `${NAME}` in the files. Values may be secrets. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ComposeTargetOptions extends ComposeProgram {
  /** Client of the engine that runs the project. Closed by its owner. */
  readonly docker: Docker;
  /** The plugin's version, where it was asked for already. Default, and where that failed: it is asked. */
  readonly composeVersion?: Promise<string>;
  /** `cliArgs` for a person, in commands to paste. Default: the same. */
  readonly shownCliArgs?: readonly string[];
  /** `scope.project` is the compose project. */
  readonly scope: Scope;
  /** Relative to the project directory; none lets compose find its default file. */
  readonly files: readonly string[];
  readonly profiles?: readonly string[];
  /** Names in `env` whose values are secrets: advice names them and shows no value. */
  readonly secretNames?: readonly string[];
  /**
   * Secrets that are not in `env`, and the environment variable that each would have come from. Reading the files goes
   * without them; whatever would have to use one is refused.
   */
  readonly missingSecrets?: Readonly<Record<string, string>>;
  /** Services of `belay.yaml`, with their names in the compose files. */
  readonly services: Readonly<Record<string, { readonly name: string }>>;
  readonly log: Log;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** Told when traffic may move: runs in the containers of a service (of the files) that is not deployed, the proxy. */
  readonly shift?: { readonly service: string; readonly command: readonly string[] };
  /** Whether a registry still has an image; asked for the new one (is it there?) and the old one (is there a way back?). */
  readonly imageAvailable?: (reference: string) => Promise<"yes" | "no" | "cannot tell">;
  /** Credentials for pulling from a registry (`ghcr.io`). */
  readonly registryAuth?: (registry: string) => Promise<RegistryAuth | undefined>;
}
