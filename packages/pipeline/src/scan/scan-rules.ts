import { join, relative, resolve, sep } from "node:path";
import type { ScanGateSettings, ScanSettings } from "@belay/config";
import { BelayError, messageOf, readJobFile } from "@belay/core";
import {
  type GateInput,
  type GatePolicy,
  type IgnoreRules,
  mergeThreats,
  parseEpss,
  parseKev,
  parseTrivyignore,
  parseTrivyignoreYaml,
  parseVex,
  type Threats,
} from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";

/** What the gate of one service decides by. */
export type GateRules = Pick<GateInput, "policy" | "ignores" | "statements" | "threats">;

const OWN_NAMES = [".trivyignore", ".trivyignore.yaml"];

/** In bytes. What is known of exploits (EPSS, of all CVEs) has about 10 MB, and grows. */
const LARGEST = 64 * 1024 * 1024;

/**
 * Reads the files that the settings name, for each service. They are of the checkout, where a pull request's author has put
 * them: only plain files are read, of bounded size, and no link leads out of the working directory.
 * @throws BelayError INVALID_INPUT for one that is missing or broken: a rule that nobody reads ignores nothing.
 */
export async function readRules(
  given: ScanSettings,
  services: readonly string[],
  workingDirectory = given.directory,
): Promise<Readonly<Record<string, GateRules>>> {
  const settings = { ...given, workingDirectory };
  const threats = await readThreats(settings);
  const rules = await Promise.all(
    services.map(async (name) => [name, await rulesOf(settings, settings.services[name] ?? settings.gate, threats)]),
  );
  return Object.fromEntries(rules);
}

/** With the folder that links may not lead out of. */
type RuleSettings = ScanSettings & Pick<PipelineContext, "workingDirectory">;

async function rulesOf(settings: RuleSettings, gate: ScanGateSettings, threats: Threats): Promise<GateRules> {
  const show = (path: string): string => relative(settings.directory, path) || path;
  const files = await ignoreFiles(settings, gate);
  const ignores = files.map(([path, text]) => parseRules(show(path), text));
  const vex = gate.vex.map(async (path) => parseVex(await readGiven(settings, path, "a VEX document"), show(path)));
  return {
    policy: policyOf(gate, settings),
    ignores: { rules: ignores.flatMap((one) => one.rules), mistakes: ignores.flatMap((one) => one.mistakes) },
    statements: (await Promise.all(vex)).flat(),
    threats,
  };
}

/** What is known of attackers, for every service alike. */
async function readThreats(settings: RuleSettings): Promise<Threats> {
  const { kev, epss, directory } = settings;
  const read = async (path: string | undefined, parse: (text: string, file: string) => Threats): Promise<Threats> =>
    path === undefined
      ? new Map()
      : parse(await readGiven(settings, path, "a list of exploits"), relative(directory, path));
  return mergeThreats(await read(kev, parseKev), await read(epss, parseEpss));
}

function policyOf(gate: ScanGateSettings, { scanners }: ScanSettings): GatePolicy {
  const { failOn, ignoreUnfixed, ignoreStatuses, failOnExploited, failOnProbability, onlyNew } = gate;
  const { allowUnknownOs, allowPartial } = gate;
  return {
    failOn,
    kinds: ["vulnerability", "secret", "misconfiguration", "licence"],
    ignoreUnfixed,
    ignoreStatuses,
    failOnExploited,
    ...(failOnProbability === undefined ? {} : { failOnProbability }),
    onlyNew,
    allowUnknownOs,
    scanners,
    allowPartial,
  };
}

async function ignoreFiles(settings: RuleSettings, gate: ScanGateSettings): Promise<[path: string, text: string][]> {
  if (gate.ignoreFiles !== undefined) {
    return Promise.all(
      gate.ignoreFiles.map(async (path) => [path, await readGiven(settings, path, "the rules to ignore")]),
    );
  }
  const own = await Promise.all(
    OWN_NAMES.map(async (name): Promise<[string, string] | undefined> => {
      const path = join(settings.directory, name);
      const text = await readIfThere(settings, path, "the rules to ignore");
      return text === undefined ? undefined : [path, text];
    }),
  );
  return own.filter((one) => one !== undefined);
}

function parseRules(name: string, text: string): IgnoreRules {
  return /\.ya?ml$/.test(name) ? parseTrivyignoreYaml(text, name) : parseTrivyignore(text, name);
}

async function readGiven(settings: RuleSettings, path: string, what: string): Promise<string> {
  const text = await readIfThere(settings, path, what);
  if (text === undefined) throw unreadable(path, what, "there is no such file");
  return text;
}

async function readIfThere(settings: RuleSettings, path: string, what: string): Promise<string | undefined> {
  try {
    return await readJobFile(path, LARGEST, baseOf(settings, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, what, messageOf(error), error);
  }
}

/** A file that the settings name elsewhere, such as a list that an earlier step has fetched, is held to its own folder. */
function baseOf({ workingDirectory, directory }: RuleSettings, path: string): string | undefined {
  return [resolve(workingDirectory), directory].find((base) => !relative(base, path).split(sep).includes(".."));
}

function unreadable(path: string, what: string, got: string, cause?: unknown): BelayError {
  const size = `${LARGEST / 1024 / 1024} MiB`;
  const next = `Name a plain file of at most ${size} under \`scan\` in belay.yaml, or in the input. A link may only lead to one in the working directory.`;
  return new BelayError("INVALID_INPUT", { doing: `reading ${what} ${path}`, got, next, cause });
}
