import type { Redactor } from "./redaction.ts";

/**
 * A copy of plain data with secrets taken out of every string. Done *before* Markdown is made: escaping changes a
 * secret's characters, and then nobody would know it again.
 */
export function redactDeep<T>(value: T, redactor: Pick<Redactor, "redact">): T {
  return walk(value, redactor) as T;
}

function walk(value: unknown, redactor: Pick<Redactor, "redact">): unknown {
  if (typeof value === "string") return redactor.redact(value);
  if (Array.isArray(value)) return value.map((inner: unknown) => walk(inner, redactor));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, redactor)]));
}
