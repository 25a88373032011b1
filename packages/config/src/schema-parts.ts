import * as z from "zod/mini";
import { FORMATS, type Format, templateOf } from "./formats.ts";

/*
 * What the schemas of belay.yaml are made of. The message of every check says what is legal, nothing else: the loader puts
 * the place and the value before it.
 */

/** Keeps the description for the JSON Schema, which editors show. */
export function about<T extends z.core.$ZodType>(schema: T, description: string, extra: object = {}): T {
  z.globalRegistry.add(schema, { description, ...extra });
  return schema;
}

export function section<T extends z.core.$ZodShape>(description: string, shape: T, extra?: object) {
  const keys = Object.keys(shape);
  const legal = `a mapping with ${keys.length === 1 ? "the key" : "keys of"} ${keys.join(", ")}`;
  // One key a line: describe-issue.ts takes them apart again.
  const error = (issue: { code: string }) => (issue.code === "unrecognized_keys" ? keys.join("\n") : legal);
  return about(z.strictObject(shape, { error }), description, extra);
}

export function named<T extends z.core.$ZodType>(description: string, key: Format, value: T, extra?: object) {
  const keys = z.string().check(z.regex(new RegExp(`^(?:${key.pattern})$`), { error: () => key.legal }));
  return about(z.record(keys, value, { error: () => "a mapping of names to values" }), description, extra);
}

export function exactly(format: Format, description?: string) {
  const error = () => format.legal;
  const schema = z.string({ error }).check(z.regex(new RegExp(`^(?:${format.pattern})$`), { error }));
  return description === undefined ? schema : about(schema, description);
}

/** Text in which `${NAME}` may stand. */
export function text(format: Format, description: string) {
  const error = () => format.legal;
  return about(z.string({ error }).check(z.regex(templateOf(format), { error })), description);
}

export function list<T extends z.core.$ZodType>(description: string, of: T, least: number, legal: string) {
  const error = () => legal;
  return about(z.array(of, { error }).check(z.minLength(least, { error })), description);
}

export function flag(description: string) {
  return about(z.boolean({ error: () => "true, false" }), description);
}

export function choice<const T extends string>(values: readonly T[], description: string) {
  return about(z.enum(values, { error: () => values.join(", ") }), description);
}

export function duration(description: string) {
  const error = () => FORMATS.duration.legal;
  return about(z.union([z.literal(0, { error }), exactly(FORMATS.duration)], { error }), description);
}

export function whole(description: string, least: number, most: number) {
  const error = () => `a whole number, ${least} to ${most}`;
  return about(z.int({ error }).check(z.gte(least, { error }), z.lte(most, { error })), description);
}

export function scalar(description?: string) {
  const legal = { error: () => "text, a number, true or false" };
  const schema = z.union([z.string(), z.number(), z.boolean()], legal);
  return description === undefined ? schema : about(schema, description);
}
