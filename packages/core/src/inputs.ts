import { parseDuration } from "./duration.ts";
import { BelayError } from "./errors.ts";

/** Where values come from: an action's `with:`, the command line's options. A missing one is `undefined` or empty. */
export type InputSource = (name: string) => string | undefined;

/**
 * Reads inputs strictly: what is not exactly right is refused with the input's name, its value and the legal values.
 * An empty value means "not given", as in GitHub Actions. Zero is a value.
 */
export class Inputs {
  readonly #source: InputSource;
  /** How the user names an input: `input \`x\`` in a workflow, `--x` on the command line. */
  readonly #label: (name: string) => string;

  constructor(source: InputSource, label: (name: string) => string = (name) => `input \`${name}\``) {
    this.#source = source;
    this.#label = label;
  }

  text(name: string): string | undefined {
    const value = this.#source(name)?.trim();
    return value === undefined || value === "" ? undefined : value;
  }

  required(name: string): string {
    return this.text(name) ?? this.refuse(name, "it is missing", "Give it a value.");
  }

  boolean(name: string): boolean | undefined {
    return this.choice(name, ["true", "false"]) === undefined ? undefined : this.text(name) === "true";
  }

  choice<const T extends string>(name: string, legal: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = legal.find((one) => one === value);
    return found ?? this.refuse(name, `its value is ${JSON.stringify(value)}`, `Legal values: ${legal.join(", ")}.`);
  }

  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    return this.refuse(name, `its value is ${JSON.stringify(value)}`, `Legal values: a whole number, ${range}.`);
  }

  durationMs(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const next = "Legal values: a number with a unit, such as 500ms, 10s, 5m, 1h30m.";
    return parseDuration(value) ?? this.refuse(name, `its value is ${JSON.stringify(value)}`, next);
  }

  /** One value a line; empty lines and lines that start with `#` are left out. */
  list(name: string): readonly string[] {
    const lines = (this.text(name) ?? "").split(/\r?\n/).map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#"));
  }

  /** `NAME=value` a line. */
  pairs(name: string): Readonly<Record<string, string>> {
    const entries = this.list(name).map((line): [string, string] => {
      const [, key, value] = /^([^=\s]+)=(.*)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      return this.refuse(name, `it has the line ${JSON.stringify(line)}`, "Write NAME=value, one a line.");
    });
    return Object.fromEntries(entries);
  }

  refuse(name: string, got: string, next: string): never {
    throw new BelayError("INVALID_INPUT", { doing: `reading ${this.#label(name)}`, got, next });
  }
}
