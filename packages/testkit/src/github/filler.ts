import type { Description } from "./description.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";

/** A whole answer of the named schema from the parts that matter: the rest that is required gets empty values. */
export type Filler = (schema: string, parts: JsonObject) => JsonObject;

const EPOCH = "2026-01-01T00:00:00Z";

/** Makes whole answers from parts, by the description's own lists of what is required. */
export function createFiller(description: Description): Filler {
  const resolve = (schema: JsonObject): JsonObject =>
    typeof schema.$ref === "string" ? description.schema(schema.$ref.split("/").at(-1) ?? "") : schema;

  const fill = (unresolved: JsonObject, given: Json | undefined): Json => {
    const schema = merged(resolve(unresolved), resolve);
    if (given !== undefined && (given === null || schema.oneOf !== undefined || schema.anyOf !== undefined))
      return given;
    if (Array.isArray(given))
      return (given as readonly Json[]).map((one) => fill((schema.items ?? {}) as JsonObject, one));
    if (isObject(given) && schema.properties !== undefined) return fillObject(schema, given);
    return given ?? emptyOf(schema);
  };

  const fillObject = (schema: JsonObject, given: JsonObject): JsonObject => {
    const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonObject>>;
    const required = ((schema.required ?? []) as readonly string[]).filter((name) => given[name] === undefined);
    const empty = required.map((name) => [name, fill(properties[name] ?? {}, undefined)]);
    const own = Object.entries(given).filter(([, value]) => value !== undefined);
    return Object.fromEntries([
      ...empty,
      ...own.map(([name, value]) => [name, fill(properties[name] ?? {}, value)]),
    ]) as JsonObject;
  };

  const emptyOf = (schema: JsonObject): Json => {
    if (schema.nullable === true) return null;
    const first = ((schema.oneOf ?? schema.anyOf) as readonly JsonObject[] | undefined)?.[0];
    if (first !== undefined) return fill(first, undefined);
    if (Array.isArray(schema.enum)) return (schema.enum as readonly Json[])[0] ?? null;
    if (schema.properties !== undefined || schema.type === "object") return fillObject(schema, {});
    if (schema.type === "array") return [];
    if (schema.type === "integer" || schema.type === "number") return 0;
    return schema.type === "boolean" ? false : emptyText(schema);
  };

  return (name, parts) => fill({ $ref: name }, parts) as JsonObject;
}

function emptyText(schema: JsonObject): string {
  if (schema.format === "uri") return "https://github.localhost/";
  if (schema.format === "date-time") return EPOCH;
  return "0".repeat(typeof schema.minLength === "number" ? schema.minLength : 0);
}

/** `allOf` flattened into one object schema. */
function merged(schema: JsonObject, resolve: (schema: JsonObject) => JsonObject): JsonObject {
  if (!Array.isArray(schema.allOf)) return schema;
  const parts = (schema.allOf as readonly JsonObject[]).map((part) => merged(resolve(part), resolve));
  return {
    ...schema,
    allOf: undefined,
    properties: Object.assign({}, ...parts.map((part) => part.properties ?? {})) as JsonObject,
    required: parts.flatMap((part) => (part.required ?? []) as readonly string[]),
  };
}
