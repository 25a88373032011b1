import { parseArgs } from "node:util";
import { BelayError, Inputs } from "@belay/core";
import { closest } from "fastest-levenshtein";

/** One option of a command. Its name is the action's input of the same meaning. */
export interface Option {
  readonly name: string;
  readonly description: string;
  /** `flag` takes no value; `list` may be given several times. */
  readonly kind: "text" | "list" | "flag";
}

export interface Parsed {
  readonly inputs: Inputs;
  has(name: string): boolean;
}

/** Options whose value has one item a line; on the command line each is given by an option of its own. */
const LISTS = new Set([
  ...["files", "variables", "build-args", "platforms", "health"],
  ...["build-contexts", "secret-envs", "secret-files", "ssh", "cache-from", "cache-to"],
  ...["labels", "annotations", "tags", "flavor"],
  ...["scan-ignore-files", "scan-db-repository", "report"],
]);
const FLAGS = new Set([
  ...["sign", "allow-dirty", "allow-older", "allow-no-way-back", "pull", "no-cache", "json", "markdown", "help"],
  ...["scan-ignore-unfixed", "scan-only-new", "scan-allow-unknown-os", "scan-allow-partial"],
]);

export function optionKind(name: string): Option["kind"] {
  if (FLAGS.has(name)) return "flag";
  return LISTS.has(name) ? "list" : "text";
}

/**
 * Reads a command's options. `environment` gives what may not stand on a command line (the token).
 * @throws BelayError INVALID_INPUT for an unknown option (with the nearest right one), a missing value, a stray word.
 */
export function parseArguments(
  args: readonly string[],
  options: readonly Option[],
  hidden: Readonly<Record<string, string>>,
): Parsed {
  const { values, tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      options.map((option) => [
        option.name,
        { type: option.kind === "flag" ? ("boolean" as const) : ("string" as const), multiple: option.kind === "list" },
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind === "positional") throw stray(token.value);
    if (token.kind === "option") checkOption(token, options);
  }
  const text = (name: string): string | undefined => {
    const value = values[name];
    if (Array.isArray(value)) return value.join("\n");
    return typeof value === "boolean" ? String(value) : (value ?? hidden[name]);
  };
  return { inputs: new Inputs(text, (name) => `the option --${name}`), has: (name) => values[name] !== undefined };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

function checkOption(token: OptionToken, options: readonly Option[]): void {
  const doing = `reading the option ${token.rawName}`;
  const known = options.find((option) => option.name === token.name);
  if (known === undefined) {
    const nearest = closest(
      token.name,
      options.map((option) => option.name),
    );
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: "there is no such option",
      next: `Did you mean --${nearest}? See --help.`,
    });
  }
  if (known.kind === "flag" && token.value !== undefined) {
    throw new BelayError("INVALID_INPUT", { doing, got: "it takes no value", next: `Write --${token.name} alone.` });
  }
  if (known.kind !== "flag" && token.value === undefined) {
    throw new BelayError("INVALID_INPUT", { doing, got: "its value is missing", next: `Write --${token.name} VALUE.` });
  }
}

function stray(word: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: "reading the command line",
    got: `${JSON.stringify(word)} belongs to no option`,
    next: "Options come as --name value. See --help.",
  });
}
