import type { ConfigFile } from "./config-file.ts";
import type { Path } from "./config-source.ts";
import { pathName } from "./describe-issue.ts";
import { FORMATS, type Format, hasFormat } from "./formats.ts";
import { fillIn, type Variables } from "./interpolate.ts";
import type { OverrideInput } from "./overrides.ts";
import { type Problem, showValue, throwProblems } from "./problem.ts";
import type { ScanInput } from "./scan-inputs.ts";

/** Collects the problems of one resolution, and reads values where file and inputs meet. */
export class Resolution {
  readonly file: ConfigFile | undefined;
  /** What `${NAME}` in the file stands for. */
  variables: Variables = {};
  readonly #problems: Problem[] = [];
  #unfilled = false;

  constructor(file: ConfigFile | undefined) {
    this.file = file;
  }

  /** A problem of the file. */
  complain(path: Path, message: string, at: "key" | "value" = "value"): void {
    this.#problems.push(this.file?.source.problem(path, message, at) ?? { message });
  }

  /** A problem of an input. */
  refuse(input: OverrideInput | ScanInput | "environment", message: string): void {
    this.#problems.push({ message: `input \`${input}\`: ${message}` });
  }

  /** Whether a `${NAME}` could not be filled in. */
  get unfilled(): boolean {
    return this.#unfilled;
  }

  add(problems: readonly Problem[]): void {
    this.#problems.push(...problems);
  }

  throwProblems(doing: string): void {
    throwProblems(doing, this.#problems);
  }

  /** A part of the file in which every string has its variables filled in. */
  fill<T>(value: T, path: Path): T {
    if (typeof value === "string") return this.#fillText(value, path) as T;
    if (Array.isArray(value)) return value.map((item, index) => this.fill(item, [...path, index])) as T;
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, inner]) => [key, this.fill(inner, [...path, key])]);
    return Object.fromEntries(entries) as T;
  }

  #fillText(text: string, path: Path): string {
    const { text: filled, problems } = fillIn(text, this.variables);
    this.#unfilled ||= problems.length > 0;
    for (const problem of problems) this.complain(path, `\`${pathName(path)}\`: ${problem}`);
    return filled;
  }

  /** The input when it is given, else the value of the file, checked once more now that it is filled in. */
  text(input: OverrideInput, given: string | undefined, format: keyof typeof FORMATS, path: Path, own?: string) {
    if (given !== undefined) {
      const wrong = wrongFormat(given, FORMATS[format]);
      if (wrong !== undefined) this.refuse(input, `it is ${wrong}`);
      return given;
    }
    if (own !== undefined) this.check(own, format, path);
    return own;
  }

  /** Checks a value of the file that had variables in it. */
  check(value: string, format: keyof typeof FORMATS, path: Path): void {
    const wrong = value.includes("${") ? undefined : wrongFormat(value, FORMATS[format]);
    if (wrong !== undefined) this.complain(path, `\`${pathName(path)}\` is ${wrong}`);
  }
}

function wrongFormat(value: string, format: Format): string | undefined {
  return hasFormat(value, format) ? undefined : `${showValue(value)}. Legal values: ${format.legal}.`;
}
