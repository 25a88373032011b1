import type * as z from "zod/mini";
import type { Path } from "./config-source.ts";
import { nearest, showValue, suggest } from "./problem.ts";

/** One problem in words, at a place inside the data. */
export interface PlacedMessage {
  readonly path: Path;
  readonly at: "key" | "value";
  readonly message: string;
}

/** Puts an issue of the schema into words. The schema's own message says only what is legal (see schema.ts). */
export function describeIssue(issue: z.core.$ZodIssue, data: unknown): PlacedMessage[] {
  const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  const inner = mappingIssues(issue, valueAt(data, path));
  if (inner !== undefined) return inner.flatMap((one) => describeIssue({ ...one, path: [...path, ...one.path] }, data));
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, issue.message));
  if (issue.code === "invalid_key") return [badName(path, issue)];
  const value = valueAt(data, path);
  const name = pathName(path);
  const legal = `Legal values: ${issue.message}.`;
  if (name === "") {
    const what = value === null ? "the file is empty" : `the file is ${showValue(value)}`;
    return [{ path, at: "value", message: `${what}. It must be a mapping with version, application and services.` }];
  }
  if (value === undefined) return [{ path, at: "value", message: `\`${name}\` is missing. ${legal}` }];
  const shown = path.includes("secrets") ? "not what it should be (not shown here)" : showValue(value);
  const hint = quoteHint(issue, value) ?? nearHint(issue, value);
  return [{ path, at: "value", message: `\`${name}\` is ${shown}. ${hint}${legal}` }];
}

/** A mapping that fits none of two forms, of which only one is a mapping: then what is wrong inside of it is the problem. */
function mappingIssues(issue: z.core.$ZodIssue, value: unknown): readonly z.core.$ZodIssue[] | undefined {
  if (issue.code !== "invalid_union" || typeof value !== "object" || value === null) return undefined;
  const fitting = issue.errors.filter((issues) => !issues.some((one) => one.path.length === 0 && isOtherKind(one)));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function isOtherKind(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function unknownKey(path: Path, key: string, legal: string): PlacedMessage {
  const where = path.length === 0 ? "" : ` in \`${pathName(path)}\``;
  const hint = suggest(key, legal.split("\n"), "Legal keys");
  return { path: [...path, key], at: "key", message: `unknown key ${showValue(key)}${where}. ${hint}` };
}

function badName(path: Path, issue: z.core.$ZodIssueInvalidElement | z.core.$ZodIssueInvalidKey): PlacedMessage {
  const name = showValue(String(path.at(-1)));
  const message = `the name ${name} in \`${pathName(path.slice(0, -1))}\` is not legal. Legal: ${issue.issues[0]?.message ?? ""}.`;
  return { path, at: "key", message };
}

function quoteHint(issue: z.core.$ZodIssue, value: unknown): string | undefined {
  const plain = typeof value === "number" || typeof value === "boolean" || value === null;
  if (issue.code !== "invalid_type" || issue.expected !== "string" || !plain) return undefined;
  return value === null ? "It has no value. " : `YAML reads this as a ${typeof value}: write it in quotes. `;
}

function nearHint(issue: z.core.$ZodIssue, value: unknown): string {
  const values = issue.code === "invalid_value" ? issue.values : [];
  const options = issue.code === "invalid_union" && "options" in issue ? ["compose", "swarm", "kubernetes"] : [];
  const known = [...values, ...options].filter((one) => typeof one === "string");
  const near = typeof value === "string" ? nearest(value, known) : undefined;
  return near === undefined ? "" : `Did you mean \`${near}\`? `;
}

/** `environments.staging.health[0].http`. */
export function pathName(path: Path): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === "number") return `${name}[${step}]`;
    return name === "" ? step : `${name}.${step}`;
  }, "");
}

export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
