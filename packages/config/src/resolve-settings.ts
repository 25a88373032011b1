import { resolve } from "node:path";
import { DEFAULT_ROLLOUT, type Probe, type RolloutPolicy } from "@belay/core";
import { probeProblems } from "./check-probe.ts";
import type { ConfigFile } from "./config-file.ts";
import { DURATION_RULES, LONGEST_MS, toMilliseconds } from "./durations.ts";
import { readHealthInput } from "./health-input.ts";
import { makeProbe } from "./make-probe.ts";
import type { Overrides } from "./overrides.ts";
import { Resolution } from "./resolution.ts";
import { resolveApplicationName, resolveEnvironmentName } from "./resolve-names.ts";
import { resolveServices } from "./resolve-services.ts";
import { resolveSignature } from "./resolve-signature.ts";
import { resolveTarget } from "./resolve-target.ts";
import { resolveSecrets, resolveVariables } from "./resolve-values.ts";
import type { EnvironmentData } from "./schema.ts";
import type { ApplicationSettings, Settings, ShiftHook } from "./settings.ts";

export interface ResolveOptions {
  readonly file?: ConfigFile | undefined;
  /** Default: the only environment that the file has. */
  readonly environment?: string | undefined;
  readonly inputs: Overrides;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to when there is no file. */
  readonly workingDirectory: string;
  /** Told of each secret's value before anything else is done with it: register it for redaction. */
  readonly onSecret: (value: string) => void;
  /**
   * `given`: who does not read the target's files can do without those that the run was not given. What is given counts all
   * the same, so that it is redacted. Default `all`: a missing one is a problem.
   */
  readonly secrets?: "all" | "given";
}

/** The secrets of the environment are not needed to build, so they are not asked for. */
export type ApplicationOptions = Omit<ResolveOptions, "onSecret" | "secrets"> & {
  /** The caller builds: a service that inputs alone describe is then built from the working directory by default. */
  readonly builds?: boolean;
};

/**
 * What the stages before a deployment need. Works without any environment; with one, its overrides of services count.
 * @throws BelayError CONFIG_INVALID, INVALID_INPUT with every problem at once.
 */
export function resolveApplication(options: ApplicationOptions): ApplicationSettings {
  const resolution = new Resolution(options.file);
  const environment = options.environment === undefined ? undefined : resolveEnvironmentName(resolution, options);
  const settings = resolveShared(resolution, options, environment);
  if (resolution.unfilled && options.environment === undefined && (options.file?.environments.length ?? 0) > 0) {
    resolution.refuse("environment", "it is missing, so only the variables at the top of the file count.");
  }
  resolution.throwProblems("reading the settings of the application");
  return settings;
}

/**
 * Everything about one environment, from belay.yaml and the inputs; an input wins over the file.
 * @throws BelayError CONFIG_INVALID, INVALID_INPUT with every problem at once.
 */
export function resolveSettings(options: ResolveOptions): Settings {
  const { file, inputs, env } = options;
  const resolution = new Resolution(file);
  const environment = resolveEnvironmentName(resolution, options);
  const doing = `reading the settings of ${environment === undefined ? "the environment" : `\`${environment}\``}`;
  if (environment === undefined) resolution.throwProblems(doing);
  const name = environment ?? "";
  const data: EnvironmentData = file?.data.environments?.[name] ?? {};
  // Secrets first, so that none of them can show up in the problems of anything else.
  const { secrets, missingSecrets } = resolveSecrets(resolution, name, {
    ...{ env, onSecret: options.onSecret, all: options.secrets !== "given" },
  });
  const shared = resolveShared(resolution, options, name);
  const at = { resolution, environment: name, data, inputs };
  const url = resolution.text(
    "url",
    inputs.url,
    "url",
    pathOf(name, "url"),
    resolution.fill(data.url, pathOf(name, "url")),
  );
  const { application, directory } = shared;
  const target = resolveTarget({ ...at, application, directory, onSecret: options.onSecret });
  const requireSignature = resolveSignature({
    resolution,
    path: pathOf(name, "require-signature"),
    directory: shared.directory,
    data: data["require-signature"],
    given: inputs.requireSignature,
    services: shared.services,
  });
  const shift = resolution.fill(data.rollout?.shift, pathOf(name, "rollout", "shift"));
  const settings = {
    ...shared,
    environment: name,
    ...(url === undefined ? {} : { url }),
    production: data.production ?? name === "production",
    transient: data.transient ?? false,
    rollout: resolveRollout(at),
    ...(requireSignature === undefined ? {} : { requireSignature }),
    ...shiftOf(shift),
    health: resolveHealth(at, Object.keys(shared.services)),
    variables: resolution.variables,
    secrets,
    missingSecrets,
  };
  resolution.throwProblems(doing);
  if (target === undefined) throw new TypeError("a target is missing and nobody said so");
  return { ...settings, target };
}

interface Place {
  readonly resolution: Resolution;
  readonly environment: string;
  readonly data: EnvironmentData;
  readonly inputs: Overrides;
}

function pathOf(environment: string, ...rest: string[]): string[] {
  return ["environments", environment, ...rest];
}

function shiftOf(shift: ShiftHook | undefined): { shift?: ShiftHook } {
  return shift === undefined ? {} : { shift: { service: shift.service, command: shift.command } };
}

function resolveShared(
  resolution: Resolution,
  options: ApplicationOptions,
  environment: string | undefined,
): ApplicationSettings {
  const { file, inputs, env, builds = false } = options;
  const directory = file?.directory ?? resolve(options.workingDirectory);
  const application = resolveApplicationName(resolution, inputs, env);
  resolution.variables = resolveVariables(resolution, environment, { env, inputs });
  const services = resolveServices({ resolution, environment, inputs, directory, builds });
  return { application, services, directory };
}

function resolveRollout({ resolution, environment, data, inputs }: Place): RolloutPolicy {
  const { rollout = {} } = data;
  const time = (value: string | 0 | undefined): number | undefined =>
    value === undefined ? undefined : toMilliseconds(value);
  const written: { [K in keyof RolloutPolicy]: RolloutPolicy[K] | undefined } = {
    strategy: rollout.strategy,
    startMs: time(rollout.start),
    deadlineMs: time(rollout.deadline),
    stableMs: time(rollout.stable),
    drainMs: time(rollout.drain),
    crashes: rollout.crashes,
    onFailure: rollout["on-failure"],
    onFirstFailure: rollout["on-first-failure"],
    onCancel: rollout["on-cancel"],
    onLocked: rollout["on-locked"],
    allowNoWayBack: rollout["allow-no-way-back"],
    allowOlder: rollout["allow-older"],
  };
  const given = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
  const policy = { ...DEFAULT_ROLLOUT, ...given, ...inputs.rollout };
  checkInputTimes(resolution, inputs);
  if (policy.stableMs < policy.deadlineMs) return policy;
  const message = "`stable` is not shorter than `deadline`: no deployment could ever succeed.";
  if (inputs.rollout?.stableMs !== undefined) resolution.refuse("stable", message);
  else if (inputs.rollout?.deadlineMs !== undefined) resolution.refuse("deadline", message);
  else
    resolution.complain(pathOf(environment, "rollout", rollout.stable === undefined ? "deadline" : "stable"), message);
  return policy;
}

function checkInputTimes(resolution: Resolution, { rollout }: Overrides): void {
  for (const name of ["start", "deadline", "stable", "drain"] as const) {
    const value = rollout?.[`${name}Ms`];
    const least = DURATION_RULES.rollout[name].leastMs;
    if (value === undefined || (value >= least && value <= LONGEST_MS)) continue;
    resolution.refuse(name, `it is ${value} ms. Legal values: ${least} ms to 24 h.`);
  }
}

function resolveHealth(
  { resolution, environment, data, inputs }: Place,
  services: readonly string[],
): readonly Probe[] {
  if (inputs.health !== undefined) {
    const { probes, problems } = readHealthInput(inputs.health, services);
    resolution.add(problems);
    return probes;
  }
  return (data.health ?? []).flatMap((written, index) => {
    const path = [...pathOf(environment, "health"), index];
    const probe = resolution.fill(written, path);
    for (const key of ["http", "tcp"] as const) {
      if (probe[key] !== undefined) resolution.check(probe[key], key, [...path, key]);
    }
    const wrong = probeProblems(probe, services);
    for (const { key, message } of wrong) resolution.complain([...path, key], message);
    return wrong.length > 0 ? [] : [makeProbe(probe, services[0])];
  });
}
