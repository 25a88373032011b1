import { table } from "./markdown.ts";

/** What is used of JSON Schema, draft 2020-12. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

interface Section {
  readonly path: string;
  readonly schema: Schema;
}

/** One table for each mapping of belay.yaml, in the order of the file. */
export function configurationPart(root: Schema): string {
  return sectionsOf({ path: "", schema: root }, root)
    .map(({ path, schema }) => {
      const title = path === "" ? "## The file" : `## \`${path}\``;
      const about = path === "" ? [] : [schema.description ?? ""];
      return [title, ...about.filter((text) => text !== ""), keyTable(schema, root)].join("\n\n");
    })
    .join("\n\n");
}

function keyTable(schema: Schema, root: Schema): string {
  const rows = Object.entries(schema.properties ?? {})
    .filter(([, value]) => value.type !== undefined || Object.keys(value).length > 0)
    .map(([key, value]) => {
      const resolved = resolve(value, root);
      const required = schema.required?.includes(key) === true ? "yes" : "";
      return [`\`${key}\``, typeName(resolved, root), required, value.description ?? resolved.description ?? ""];
    });
  return table(["key", "value", "required", "what it is"], rows);
}

/** The mapping itself, then every mapping that its keys lead to. */
function sectionsOf(section: Section, root: Schema): Section[] {
  const below = Object.entries(section.schema.properties ?? {}).flatMap(([key, value]) => {
    const path = section.path === "" ? key : `${section.path}.${key}`;
    return mappingsIn({ path, schema: resolve(value, root) }, root);
  });
  return [section, ...below];
}

/** Mappings with fixed keys that a value can be, or can hold. */
function mappingsIn({ path, schema }: Section, root: Schema): Section[] {
  if (schema.properties !== undefined) return sectionsOf({ path, schema }, root);
  const named = schema.additionalProperties;
  if (typeof named === "object") return mappingsIn({ path: `${path}.<name>`, schema: resolve(named, root) }, root);
  if (schema.items !== undefined) return mappingsIn({ path: `${path}[]`, schema: resolve(schema.items, root) }, root);
  return choices(schema).flatMap((one) => {
    const found = resolve(one, root);
    const kind = found.properties?.kind?.const;
    return mappingsIn({ path: kind === undefined ? path : `${path} (kind: ${String(kind)})`, schema: found }, root);
  });
}

function choices(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? (schema.properties === undefined ? schema.oneOf : undefined) ?? [];
}

function resolve(schema: Schema, root: Schema): Schema {
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? "")?.[1];
  const found = name === undefined ? undefined : root.$defs?.[name];
  return found === undefined ? schema : { ...resolve(found, root), ...schema };
}

/** How a value is written, for people. */
function typeName(schema: Schema, root: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(" or ");
  const options = choices(schema);
  if (options.length === 2 && options[0]?.const === 0 && options[1]?.type === "string") return "duration";
  if (options.length > 0) return [...new Set(options.map((one) => typeName(resolve(one, root), root)))].join(" or ");
  if (schema.items !== undefined) return `list: ${typeName(resolve(schema.items, root), root)}`;
  if (schema.properties !== undefined || schema.type === "object") return "mapping";
  if (schema.type === "integer" && schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`;
  const words: Readonly<Record<string, string>> = { string: "text", integer: "number", boolean: "`true` or `false`" };
  const types = [schema.type ?? "text"].flat();
  return types.map((type) => words[type] ?? type).join(" or ");
}
