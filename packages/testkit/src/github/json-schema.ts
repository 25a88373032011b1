import { isObject, type Json } from "./json.ts";

/**
 * A schema of OpenAPI 3.0 as JSON Schema: `nullable: true` becomes "or null", which also holds beside `enum`, `anyOf` and
 * `$ref`, where ajv's own keyword does not.
 */
export function toJsonSchema(value: Json, names = false): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((inner) => toJsonSchema(inner));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, Json][] =>
    inner === undefined || (!names && key === "nullable")
      ? []
      : [[key, toJsonSchema(inner, !names && key === "properties")]],
  );
  const schema = Object.fromEntries(entries);
  return !names && value.nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}
