import { BelayError, oneLine } from "@belay/core";
import { closest, distance } from "fastest-levenshtein";

/** One thing that is wrong with belay.yaml or with an input. */
export interface Problem {
  /** File as the user named it; none when it came from an input. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  /** A whole sentence or two: what is there, what is legal, what was probably meant. */
  readonly message: string;
  /** The line with a mark under the place. */
  readonly frame?: string;
}

/** Of an address, as far as one may be written wrongly (RFC 3986, 3.2.1). */
const USER_INFORMATION = /\/\/[^/\s]*@/g;

/** Where errors keep their problems, so that annotations can be made of them. */
class ProblemList extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`${problems.length} problems`);
    this.problems = problems;
  }
}

/** The single problems of an error that this package threw; empty for any other. */
export function problemsOf(error: unknown): readonly Problem[] {
  return error instanceof BelayError && error.cause instanceof ProblemList ? error.cause.problems : [];
}

/** One error that tells all problems, in the order of their places. CONFIG_INVALID when a file is to blame. */
export function problemError(doing: string, problems: readonly Problem[]): BelayError {
  const different = new Map(problems.map((problem) => [showProblem(problem), problem]));
  const sorted = [...different.values()].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  const code = sorted.some(({ file }) => file !== undefined) ? "CONFIG_INVALID" : "INVALID_INPUT";
  const count = sorted.length === 1 ? "1 problem" : `${sorted.length} problems`;
  const got = [`${count}:`, ...sorted.map(showProblem), "Nothing was changed."].join("\n");
  return new BelayError(code, { doing, got, cause: new ProblemList(sorted) });
}

function showProblem({ file, line, column, message, frame }: Problem): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}:${column}`}: `;
  return `${place}${message}${frame === undefined ? "" : `\n${frame}`}`;
}

/** Throws when there are problems. */
export function throwProblems(doing: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw problemError(doing, problems);
}

/** The known word that was probably meant; `undefined` when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 100) return undefined;
  const lower = known.map((one) => one.toLowerCase());
  const found = known[lower.indexOf(closest(word.toLowerCase(), lower))] ?? "";
  const allowed = Math.max(1, Math.floor(Math.max(word.length, found.length) / 3));
  const near = distance(word.toLowerCase(), found.toLowerCase()) <= allowed || letters(word) === letters(found);
  return near ? found : undefined;
}

/** Two swapped letters are two edits, but one slip of the fingers. */
function letters(word: string): string {
  return [...word.toLowerCase()].sort().join("");
}

/** `did you mean …?` and the legal words, as one or two sentences. */
export function suggest(word: string, known: readonly string[], title: string): string {
  const near = nearest(word, known);
  const legal = known.length === 0 ? "" : `${title}: ${known.join(", ")}.`;
  return [near === undefined ? "" : `Did you mean \`${near}\`?`, legal].filter((part) => part !== "").join(" ");
}

/** A value from outside as one short line: JSON, so that its type can be seen; without the user and password of an address. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  return oneLine((JSON.stringify(value) ?? String(value)).replaceAll(USER_INFORMATION, "//***@"), 80);
}
