import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BelayError, messageOf } from "@belay/core";
import { checkRules } from "./check-rules.ts";
import type { ConfigSource } from "./config-source.ts";
import { describeIssue } from "./describe-issue.ts";
import { type Problem, throwProblems } from "./problem.ts";
import { readYaml } from "./read-yaml.ts";
import { type ConfigData, configSchema } from "./schema.ts";

/** belay.yaml, read and checked. `${NAME}` is not filled in yet: that needs an environment. */
export interface ConfigFile {
  /** As the user named it, for messages. */
  readonly path: string;
  /** Absolute folder of the file: what relative paths in it are relative to. */
  readonly directory: string;
  readonly application: string;
  /** Names of its environments, in their order. */
  readonly environments: readonly string[];
  readonly data: ConfigData;
  /** Where each value stands. */
  readonly source: ConfigSource;
}

const DEFAULT_NAMES = ["belay.yaml", "belay.yml"];

/**
 * Reads belay.yaml. `undefined` when no path was asked for and neither belay.yaml nor belay.yml is there.
 * @throws BelayError CONFIG_NOT_FOUND, CONFIG_INVALID
 */
export async function loadConfig(
  path: string | undefined,
  { workingDirectory }: { workingDirectory: string },
): Promise<ConfigFile | undefined> {
  const name = path ?? (await findDefault(workingDirectory));
  if (name === undefined) return undefined;
  const file = resolve(workingDirectory, name);
  return parseConfig(await readText(file, name), { path: name, directory: dirname(file) });
}

async function findDefault(directory: string): Promise<string | undefined> {
  const there: string[] = [];
  for (const name of DEFAULT_NAMES) {
    if (await exists(resolve(directory, name))) there.push(name);
  }
  if (there.length < 2) return there[0];
  const next = "Remove one of them, or name the right one with the input `config`.";
  throw new BelayError("CONFIG_INVALID", {
    doing: "looking for belay.yaml",
    got: `found ${there.join(" and ")}`,
    next,
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw new BelayError("CONFIG_NOT_FOUND", { doing: "looking for belay.yaml", got: messageOf(error), cause: error });
  }
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EISDIR: "it is a folder",
      EACCES: "reading it is not permitted",
    };
    const got = reasons[codeOf(error) ?? ""] ?? messageOf(error);
    const next = "Give the path of the configuration with the input `config`, relative to the working directory.";
    throw new BelayError("CONFIG_NOT_FOUND", { doing: `reading ${name}`, got, next, cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/**
 * Reads the text of a belay.yaml.
 * @throws BelayError CONFIG_INVALID with every problem at once, each with line, column, value and what is legal.
 */
export function parseConfig(text: string, at: { path: string; directory: string }): ConfigFile {
  const doing = `reading ${at.path}`;
  const { data: raw, source, problems } = readYaml(text, at.path);
  throwProblems(doing, problems);
  const data = withoutExtensions(raw);
  const found = checkShape(data, source);
  throwProblems(doing, [...found.problems, ...checkRules(data, source, found.paths)]);
  const config = data as ConfigData;
  const environments = Object.keys(config.environments ?? {});
  return { ...at, application: config.application, environments, data: config, source };
}

function checkShape(data: unknown, source: ConfigSource) {
  const issues = configSchema.safeParse(data).error?.issues ?? [];
  const messages = issues.flatMap((issue) => describeIssue(issue, data));
  const problems: Problem[] = messages.map(({ path, message, at }) => source.problem(path, message, at));
  return { problems, paths: messages.map(({ path }) => path) };
}

/** `x-…` keys at the top are the user's own, as in Compose files: a place for anchors. */
function withoutExtensions(data: unknown): unknown {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith("x-")));
}
