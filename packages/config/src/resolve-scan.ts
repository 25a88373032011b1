import { resolve } from "node:path";
import type { ConfigFile } from "./config-file.ts";
import type { Path } from "./config-source.ts";
import { pathName } from "./describe-issue.ts";
import { DURATION_RULES, durationProblem, toMilliseconds } from "./durations.ts";
import { FORMATS, hasFormat } from "./formats.ts";
import { showValue } from "./problem.ts";
import { Resolution } from "./resolution.ts";
import { resolveEnvironmentName } from "./resolve-names.ts";
import type { ScanInput, ScanOverrides } from "./scan-inputs.ts";
import type { ScanData, ScanOverrideData } from "./scan-schema.ts";
import type { ScanGateSettings, ScanSettings } from "./scan-settings.ts";

export interface ScanOptions {
  readonly file?: ConfigFile | undefined;
  /** Default: the only environment that the file has. With several and none named, only the top of the file counts. */
  readonly environment?: string | undefined;
  readonly inputs: ScanOverrides;
  readonly workingDirectory: string;
}

type Keys = Exclude<ScanData, string>;
type GateKeys = Exclude<ScanOverrideData, string>;

const DAY_MS = 86_400_000;

/**
 * How images are scanned and what stops one: from the top of belay.yaml, its environment, its services, and the inputs,
 * the last that says something wins. Needs no variable and no secret.
 * @throws BelayError CONFIG_INVALID, INVALID_INPUT with every problem at once; also for a rule about attackers whose list is missing.
 */
export function resolveScan(options: ScanOptions): ScanSettings {
  const { file, inputs } = options;
  const resolution = new Resolution(file);
  const environment = chooseEnvironment(resolution, options);
  checkInputs(resolution, inputs);
  const doing = "reading the settings of the scan";
  resolution.throwProblems(doing);
  const directory = file?.directory ?? resolve(options.workingDirectory);
  const own = environment === undefined ? undefined : file?.data.environments?.[environment];
  const { switch: given, ...keys } = inputs;
  const last = [given, keys] as const;
  const common = [file?.data.scan, own?.scan];
  const names = Object.keys(file?.data.services ?? {});
  const run = mergeLevels<Keys>([...common, ...last]);
  const services = names.map((name): [string, ScanGateSettings] => {
    const levels = [...common, file?.data.services[name]?.scan, own?.services?.[name]?.scan, ...last];
    const gate = gateOf(directory, levels);
    if (!gate.off) requireLists(resolution, levels, placesOf(environment, name), run, environment);
    return [name, gate];
  });
  resolution.throwProblems(doing);
  return {
    directory,
    ...(environment === undefined ? {} : { environment }),
    gate: gateOf(directory, [...common, ...last]),
    services: Object.fromEntries(services),
    ...runOf(directory, run),
  };
}

/** Where the levels of a service stand in the file, in their order. */
function placesOf(environment: string | undefined, service: string): readonly Path[] {
  const own = ["environments", environment ?? ""];
  return [["scan"], [...own, "scan"], ["services", service, "scan"], [...own, "services", service, "scan"]];
}

const LISTS = [
  ["fail-on-probability", "epss"],
  ["fail-on-exploited", "kev"],
] as const;

/** A rule that asks a list which nobody gave would never stop anything, and nobody would know. */
function requireLists(
  resolution: Resolution,
  levels: readonly Level<GateKeys>[],
  places: readonly Path[],
  run: Partial<Keys>,
  environment: string | undefined,
): void {
  for (const [rule, list] of LISTS) {
    if (run[list] !== undefined) continue;
    const at = levels.findLastIndex((level) => typeof level === "object" && level[rule] !== undefined);
    const level = levels[at];
    const place = places[at];
    if (typeof level !== "object" || place === undefined || level[rule] === false) continue;
    const got = `\`${pathName([...place, rule])}\` needs \`${list}\`, and without it stops nothing.`;
    const next = whereToName(resolution, list, environment);
    resolution.complain([...place, rule], `${got} ${next}`);
  }
}

/** Without an environment none of their lists counts, whichever have one: a scan can't tell which of them would be meant. */
function whereToName({ file }: Resolution, list: (typeof LISTS)[number][1], environment: string | undefined): string {
  const all = Object.entries(file?.data.environments ?? {});
  const named = all
    .filter(([, { scan }]) => typeof scan === "object" && scan[list] !== undefined)
    .map(([name]) => name);
  if (environment !== undefined || named.length === 0) {
    return `Name the file with \`${list}\` in \`scan\`, at the top or in the environment.`;
  }
  const have = `${named.join(", ")} ${named.length === 1 ? "has" : "have"} it, but no environment was given, and so only the top counts.`;
  return `${have} Give the input \`environment\`, or name the file with \`${list}\` at the top.`;
}

function chooseEnvironment(
  resolution: Resolution,
  { file, environment, workingDirectory }: ScanOptions,
): string | undefined {
  const known = file?.environments ?? [];
  if (environment === undefined && known.length !== 1) return undefined;
  return resolveEnvironmentName(resolution, { environment, workingDirectory });
}

type Level<K> = "on" | "off" | K | undefined;

function mergeLevels<K extends object>(levels: readonly Level<K>[]): Partial<K> {
  return Object.assign({}, ...levels.filter((level) => typeof level === "object")) as Partial<K>;
}

/** The last level that says anything says whether it is on; a mapping says so too. Inputs need `scan: on` for it. */
function isOff(levels: readonly Level<GateKeys>[]): boolean {
  return levels.slice(0, -1).findLast((level) => level !== undefined) === "off";
}

function gateOf(directory: string, levels: readonly Level<GateKeys>[]): ScanGateSettings {
  const data = mergeLevels<GateKeys>(levels);
  const inside = (paths: readonly string[]): readonly string[] => paths.map((path) => resolve(directory, path));
  const probability = data["fail-on-probability"];
  const failOn = data["fail-on"] ?? (["CRITICAL", "HIGH"] as const);
  return {
    off: isOff(levels),
    failOn: failOn === "none" ? [] : failOn,
    ignoreUnfixed: data["ignore-unfixed"] ?? false,
    ignoreStatuses: data["ignore-status"] ?? [],
    ...(data["ignore-files"] === undefined ? {} : { ignoreFiles: inside(data["ignore-files"]) }),
    vex: inside(data.vex ?? []),
    onlyNew: data["only-new"] ?? false,
    failOnExploited: data["fail-on-exploited"] ?? true,
    ...(probability === undefined ? {} : { failOnProbability: probability }),
    allowUnknownOs: data["allow-unknown-os"] ?? false,
    allowPartial: data["allow-partial"] ?? false,
  };
}

function runOf(directory: string, data: Partial<Keys>) {
  const path = <K extends string>(name: K, value: string | undefined) =>
    value === undefined ? {} : ({ [name]: resolve(directory, value) } as { readonly [name in K]: string });
  const given = <K extends string, V>(name: K, value: V | undefined) =>
    value === undefined ? {} : ({ [name]: value } as { readonly [name in K]: V });
  const time = (value: string | 0 | undefined, otherwise: number) =>
    value === undefined ? otherwise : toMilliseconds(value);
  return {
    scanners: data.scanners ?? (["vuln", "secret"] as const),
    maxDbAgeMs: time(data["max-db-age"], 3 * DAY_MS),
    maxJavaDbAgeMs: time(data["max-java-db-age"], 14 * DAY_MS),
    updateDb: data["update-db"] ?? true,
    ...given("dbRepositories", data["db-repository"]),
    ...given("javaDbRepositories", data["java-db-repository"]),
    timeoutMs: time(data.timeout, 5 * 60_000),
    parallel: data.parallel ?? 2,
    ...path("cacheDir", data["cache-dir"]),
    ...given("server", data.server),
    ...path("kev", data.kev),
    ...path("epss", data.epss),
  };
}

function checkInputs(resolution: Resolution, inputs: ScanOverrides): void {
  const refuse = (input: ScanInput, wrong: string | undefined): void => {
    if (wrong !== undefined) resolution.refuse(input, `it is ${wrong}`);
  };
  for (const key of ["max-db-age", "timeout"] as const) {
    const value = inputs[key];
    if (value !== undefined) refuse(`scan-${key}`, durationProblem(value, DURATION_RULES.scan[key]));
  }
  const { server } = inputs;
  if (server === undefined || hasFormat(server, FORMATS.url)) return;
  refuse("scan-server", `${showValue(server)}. Legal values: ${FORMATS.url.legal}.`);
}
