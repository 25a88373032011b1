import { BelayError, isBelayError, type Redactor, type Runner } from "@belay/core";
import { ScanError } from "./could-not-scan.ts";
import { explainFailure, nextStep } from "./explain-failure.ts";
import { inheritedNames, QUIET } from "./trivy-environment.ts";
import type { TrivyVersions } from "./trivy-version.ts";

export interface TrivyOptions {
  readonly runner: Runner;
  readonly redactor: Redactor;
  /** Name or path of the program. Default `trivy`. */
  readonly command?: string;
  /** Added to its environment: `DOCKER_HOST`, `DOCKER_CONFIG`, credentials. */
  readonly env?: Readonly<Record<string, string>>;
  /** What programs said of themselves before. Without it every one is asked. */
  readonly versions?: TrivyVersions;
}

export interface TrivyCall {
  readonly doing: string;
  /** Its folder, in which it looks for `trivy.yaml`, `.trivyignore` and `trivy-secret.yaml`: one of ours. */
  readonly cwd: string;
  readonly deadlineMs: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The first whose cache can be kept in memory, with some reserve. */
const OLDEST = [0, 60] as const;

async function askVersion(options: TrivyOptions, command: string): Promise<string> {
  const doing = "looking for Trivy";
  const next = "Install Trivy: https://trivy.dev/latest/getting-started/installation/";
  const env = { ...options.env, ...QUIET };
  const inherit = inheritedNames(process.env);
  const run = { doing, env, inherit, deadlineMs: 60_000, withChildren: true, failure: "TOOL_MISSING", next } as const;
  const { stdout } = await options.runner(command, ["--version"], run).catch((error: unknown) => {
    throw isBelayError(error, "TIMED_OUT") ? asScanError(error, doing) : error;
  });
  const [, version, major, minor] = /^Version: v?((\d+)\.(\d+)\.\S+)/m.exec(stdout) ?? [];
  if (version === undefined) {
    throw new BelayError("TOOL_MISSING", { doing, got: `${command} --version tells no version of Trivy`, next });
  }
  if (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]) {
    throw new BelayError("TOOL_TOO_OLD", { doing, got: `it is ${version}, ${OLDEST.join(".")} is needed`, next });
  }
  return version;
}

/** The Trivy of this machine. */
export class Trivy {
  readonly version: string;
  readonly #options: TrivyOptions;

  private constructor(options: TrivyOptions, version: string) {
    this.#options = options;
    this.version = version;
  }

  /** @throws BelayError TOOL_MISSING, TOOL_TOO_OLD; ScanError `timed_out` */
  static async open(options: TrivyOptions): Promise<Trivy> {
    const command = options.command ?? "trivy";
    const known = await options.versions?.find(command);
    if (known !== undefined) return new Trivy(options, known);
    const version = await askVersion(options, command);
    await options.versions?.keep(command, version);
    return new Trivy(options, version);
  }

  /**
   * Runs it. Gives what it wrote on standard error.
   * @throws ScanError with what hindered it; the signal's reason
   */
  async run(args: readonly string[], call: TrivyCall): Promise<string> {
    const { doing, cwd, signal } = call;
    const { runner, redactor, command = "trivy", env } = this.#options;
    const result = await runner(command, args, {
      doing,
      cwd,
      env: { ...env, ...call.env, ...QUIET },
      inherit: inheritedNames(process.env),
      deadlineMs: call.deadlineMs,
      // What is called Trivy may be a script around it.
      withChildren: true,
      allowedExitCodes: [1, 2],
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw asScanError(error, doing);
    });
    if (result.exitCode === 0) return result.stderr;
    const { obstacle, words } = explainFailure(result.stderr);
    const next = nextStep(obstacle);
    const got = redactor.redact(words);
    throw new TrivyFailed(obstacle, result.stderr, { doing, got, ...(next === undefined ? {} : { next }) });
  }
}

/** With all that it wrote, which may hold secrets. */
export class TrivyFailed extends ScanError {
  readonly #stderr: string;

  constructor(obstacle: ScanError["obstacle"], stderr: string, parts: ConstructorParameters<typeof ScanError>[1]) {
    super(obstacle, parts);
    this.#stderr = stderr;
  }

  says(test: (stderr: string) => boolean): boolean {
    return test(this.#stderr);
  }
}

function asScanError(error: unknown, doing: string): unknown {
  if (!isBelayError(error)) return error;
  const obstacle = error.code === "TIMED_OUT" ? "timed_out" : "scanner_failed";
  const next = nextStep(obstacle);
  return new ScanError(obstacle, { doing, got: error.got, cause: error, ...(next === undefined ? {} : { next }) });
}
