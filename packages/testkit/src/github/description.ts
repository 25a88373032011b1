import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { toJsonSchema } from "./json-schema.ts";

/** One operation of GitHub's OpenAPI description, with what checks its requests and answers. */
export interface Operation {
  /** `issues/create-comment`. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** `/repos/{owner}/{repo}/issues/{issue_number}/comments`. */
  readonly path: string;
  /** The first mistake in a request, in words; `undefined` when it is right. */
  requestMistake(
    query: URLSearchParams,
    parameters: Readonly<Record<string, string>>,
    body: unknown,
  ): string | undefined;
  /** The first mistake in an answer. */
  answerMistake(status: number, body: unknown): string | undefined;
}

export interface Description {
  readonly operations: readonly Operation[];
  /** A schema of the description by its name. */
  schema(name: string): JsonObject;
}

const BASE = "https://api.github.com/description";

/** Reads `openapi.json`, GitHub's own description cut down by `scripts/trim-openapi.ts`. */
export function readDescription(): Description {
  const document = JSON.parse(readFileSync(new URL("openapi.json", import.meta.url), "utf8")) as JsonObject;
  const components = childOf(document, "components");
  const paths = correct(childOf(document, "paths"));
  const ajv = new Ajv({ strict: false, allErrors: false, coerceTypes: false });
  formats.default(ajv);
  // GitHub sends "" for an address that was never set, although it describes the field as an address.
  ajv.addFormat("uri", (text) => text === "" || URL.canParse(text));
  ajv.addSchema({ $id: BASE, components: toJsonSchema(components) });
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as JsonObject).map(([method, one]) =>
      readOperation({ ajv, components }, path, method, one as JsonObject),
    ),
  );
  return { operations, schema: (name) => childOf(childOf(components, "schemas"), name) };
}

/** GitHub says `bundle: null` beside a `bundle_url` (since July 2026), which its description does not allow. */
function correct(paths: JsonObject): JsonObject {
  const text = JSON.stringify(paths, (key, value: Json) =>
    key === "bundle" && isObject(value) ? { ...value, nullable: true } : value,
  );
  return JSON.parse(text) as JsonObject;
}

interface Compiler {
  readonly ajv: Ajv;
  readonly components: JsonObject;
}

function readOperation(compiler: Compiler, path: string, method: string, described: JsonObject): Operation {
  const parameters = ((described.parameters ?? []) as readonly JsonObject[]).map((one) =>
    resolve(compiler.components, one),
  );
  const checks = parameters.map((one) => ({
    name: String(one.name),
    place: String(one.in),
    required: one.required === true,
    schema: (one.schema ?? {}) as JsonObject,
    check: lazily(() => compile(compiler, (one.schema ?? {}) as JsonObject)),
  }));
  const body = bodySchema(resolve(compiler.components, (described.requestBody ?? {}) as JsonObject));
  const bodyCheck = lazily(() => (body === undefined ? undefined : compile(compiler, body)));
  const answers = new Map<number, () => ValidateFunction | undefined>();
  for (const [status, answer] of Object.entries((described.responses ?? {}) as JsonObject)) {
    const schema = bodySchema(resolve(compiler.components, answer as JsonObject));
    answers.set(
      Number(status),
      lazily(() => (schema === undefined ? undefined : compile(compiler, schema))),
    );
  }
  return {
    id: String(described.operationId),
    method: method.toUpperCase() as Operation["method"],
    path,
    requestMistake: (query, given, sent) => parameterMistake(checks, query, given) ?? bodyMistake(bodyCheck(), sent),
    answerMistake: (status, answer) => answerMistake(answers, status, answer),
  };
}

interface ParameterCheck {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly schema: JsonObject;
  readonly check: () => ValidateFunction;
}

function parameterMistake(
  checks: readonly ParameterCheck[],
  query: URLSearchParams,
  given: Readonly<Record<string, string>>,
): string | undefined {
  const known = new Set(checks.filter((one) => one.place === "query").map((one) => one.name));
  const unknown = [...query.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) return `query ${unknown} is not described`;
  for (const one of checks) {
    const text = one.place === "path" ? given[one.name] : (query.get(one.name) ?? undefined);
    if (text === undefined && one.required) return `${one.place} ${one.name} is missing`;
    if (text === undefined) continue;
    const check = one.check();
    if (!check(typed(text, one.schema))) return `${one.place} ${one.name}=${text} ${firstError(check)}`;
  }
  return undefined;
}

function typed(text: string, schema: JsonObject): Json {
  if (schema.type === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (schema.type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

function bodyMistake(check: ValidateFunction | undefined, body: unknown): string | undefined {
  if (check === undefined) return body === undefined ? undefined : "a body is not described";
  return check(body ?? {}) ? undefined : `body${firstError(check)}`;
}

function answerMistake(
  answers: ReadonlyMap<number, () => ValidateFunction | undefined>,
  status: number,
  body: unknown,
): string | undefined {
  const find = answers.get(status);
  // The description leaves out answers that any operation may give: bad credentials, limits, faults, not found.
  if (find === undefined) return status >= 400 ? undefined : `status ${status} is not described`;
  const check = find();
  if (check === undefined) return body === undefined || status >= 400 ? undefined : `status ${status} has no body`;
  return check(body) ? undefined : `answer ${status}${firstError(check)}`;
}

function firstError(check: ValidateFunction): string {
  const error = check.errors?.[0];
  return error === undefined
    ? " is wrong"
    : `${error.instancePath} ${error.message ?? "is wrong"} ${JSON.stringify(error.params)}`;
}

function bodySchema(described: JsonObject): JsonObject | undefined {
  const json = isObject(described.content) ? described.content["application/json"] : undefined;
  return isObject(json) && isObject(json.schema) ? json.schema : undefined;
}

function compile(compiler: Compiler, schema: JsonObject): ValidateFunction {
  const absolute = JSON.stringify(toJsonSchema(schema)).replaceAll('"$ref":"#/', `"$ref":"${BASE}#/`);
  return compiler.ajv.compile(JSON.parse(absolute) as object);
}

/** Follows a `$ref` to a component of the description. */
function resolve(components: JsonObject, value: JsonObject): JsonObject {
  if (typeof value.$ref !== "string") return value;
  const [, , kind = "", name = ""] = value.$ref.split("/");
  return resolve(components, childOf(childOf(components, kind), name));
}

function childOf(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  if (!isObject(found)) throw new Error(`the description has no ${key}`);
  return found;
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
