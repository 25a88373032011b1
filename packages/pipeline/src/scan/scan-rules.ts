import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { ScanGateSettings, ScanSettings } from "@belay/config";
import { BelayError, messageOf } from "@belay/core";
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

/** What the gate of one service decides by. */
export type GateRules = Pick<GateInput, "policy" | "ignores" | "statements" | "threats">;

const OWN_NAMES = [".trivyignore", ".trivyignore.yaml"];

/**
 * Reads the files that the settings name, for each service.
 * @throws BelayError INVALID_INPUT for one that is missing or broken: a rule that nobody reads ignores nothing.
 */
export async function readRules(
  settings: ScanSettings,
  services: readonly string[],
): Promise<Readonly<Record<string, GateRules>>> {
  const threats = await readThreats(settings);
  const rules = await Promise.all(
    services.map(async (name) => [name, await rulesOf(settings, settings.services[name] ?? settings.gate, threats)]),
  );
  return Object.fromEntries(rules);
}

async function rulesOf(settings: ScanSettings, gate: ScanGateSettings, threats: Threats): Promise<GateRules> {
  const show = (path: string): string => relative(settings.directory, path) || path;
  const files = await ignoreFiles(settings, gate);
  const ignores = files.map(([path, text]) => parseRules(show(path), text));
  const vex = gate.vex.map(async (path) => parseVex(await readGiven(path, "a VEX document"), show(path)));
  return {
    policy: policyOf(gate, settings),
    ignores: { rules: ignores.flatMap((one) => one.rules), mistakes: ignores.flatMap((one) => one.mistakes) },
    statements: (await Promise.all(vex)).flat(),
    threats,
  };
}

/** What is known of attackers, for every service alike. */
async function readThreats({ kev, epss, directory }: ScanSettings): Promise<Threats> {
  const read = async (path: string | undefined, parse: (text: string, file: string) => Threats): Promise<Threats> =>
    path === undefined ? new Map() : parse(await readGiven(path, "a list of exploits"), relative(directory, path));
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

async function ignoreFiles(settings: ScanSettings, gate: ScanGateSettings): Promise<[path: string, text: string][]> {
  if (gate.ignoreFiles !== undefined) {
    return Promise.all(gate.ignoreFiles.map(async (path) => [path, await readGiven(path, "the rules to ignore")]));
  }
  const own = await Promise.all(
    OWN_NAMES.map(async (name): Promise<[string, string] | undefined> => {
      const path = join(settings.directory, name);
      const text = await readIfThere(path);
      return text === undefined ? undefined : [path, text];
    }),
  );
  return own.filter((one) => one !== undefined);
}

function parseRules(name: string, text: string): IgnoreRules {
  return /\.ya?ml$/.test(name) ? parseTrivyignoreYaml(text, name) : parseTrivyignore(text, name);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, "the rules to ignore", error);
  }
}

async function readGiven(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, what, error);
  }
}

function unreadable(path: string, what: string, error: unknown): BelayError {
  const next = "Correct its path under `scan` in belay.yaml, or in the input.";
  return new BelayError("INVALID_INPUT", {
    doing: `reading ${what} ${path}`,
    got: messageOf(error),
    next,
    cause: error,
  });
}
