import { oneLine } from "@belay/core";
import {
  type Document,
  isScalar,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  type Scalar,
  type Tags,
  visit,
} from "yaml";
import type { KubernetesObject } from "../kubernetes-object.ts";
import type { Manifest, ManifestText } from "./manifest.ts";

export interface FillIn {
  /** Values for `${NAME}` anywhere. */
  readonly variables: Readonly<Record<string, string>>;
  /** Values for `${NAME}` in `stringData` of Secrets only: anywhere else everybody could read them. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface ParsedManifests {
  readonly manifests: readonly Manifest[];
  /** Each begins with its place. */
  readonly problems: readonly string[];
}

const NAME = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Reads YAML as kubectl does (YAML 1.1: `0644` is octal, `on` is true; but no dates and no numbers of base 60), several
 * documents to a text, with anchors and merge keys, lists opened. `${NAME}` is filled in only where `fillIn` knows the name,
 * because manifests carry scripts and configurations with variables of their own; `$${NAME}` then stands for `${NAME}`.
 * A value never changes the structure; an unquoted one may become a number or a boolean.
 */
export function parseManifests(source: ManifestText, fillIn: FillIn): ParsedManifests {
  const counter = new LineCounter();
  const documents = parseAllDocuments(source.text, { ...YAML, lineCounter: counter });
  const manifests: Manifest[] = [];
  const problems: string[] = [];
  // An empty stream is an array with a property of its own, by the types of the parser.
  for (const document of Array.isArray(documents) ? documents : []) {
    const place = source.fromKustomize ? source.title : `${source.title}:${lineOf(document, counter)}`;
    const errors = document.errors.map(({ message, linePos }) => {
      const line = linePos?.[0].line;
      return `${source.title}${line === undefined ? "" : `:${line}`}: ${oneLine(message.split("\n")[0] ?? "", 300)}`;
    });
    problems.push(...errors);
    if (errors.length > 0 || document.contents === null) continue;
    fillVariables(document, fillIn.variables);
    for (const value of openList(document.toJS({ maxAliasCount: 100 }))) {
      if (value === null) continue;
      const wrong = wrongShape(value) ?? fillSecrets(value as KubernetesObject, fillIn.secrets);
      if (wrong === undefined)
        manifests.push({ body: value as KubernetesObject, place, fromKustomize: source.fromKustomize });
      else problems.push(`${place}: ${wrong}`);
    }
  }
  return { manifests, problems };
}

const YAML = {
  version: "1.1",
  prettyErrors: true,
  logLevel: "error",
  customTags: (tags: Tags): Tags =>
    tags.filter(
      (tag) => typeof tag === "string" || (tag.format !== "TIME" && tag.tag !== "tag:yaml.org,2002:timestamp"),
    ),
} as const;

function lineOf(document: Document, counter: LineCounter): number {
  return Math.max(1, counter.linePos(document.contents?.range?.[0] ?? 0).line);
}

/** `kind: List` (and `DeploymentList`, …) is only a bag. */
function openList(value: unknown): readonly unknown[] {
  if (!isMapping(value) || typeof value.kind !== "string" || !value.kind.endsWith("List")) return [value];
  return Array.isArray(value.items) ? value.items.flatMap(openList) : [value];
}

function wrongShape(value: unknown): string | undefined {
  if (!isMapping(value)) return "it is no mapping with apiVersion, kind and metadata";
  for (const key of ["apiVersion", "kind"]) {
    if (typeof value[key] !== "string" || value[key] === "") return `\`${key}\` is missing`;
  }
  if (!isMapping(value.metadata)) return `\`metadata\` of the ${value.kind} is missing`;
  const { name, namespace, generateName } = value.metadata;
  if (generateName !== undefined && name === undefined) {
    return `\`metadata.generateName\` of the ${value.kind}: Belay must know the name. Give it \`name\`; a Job gets a suffix of its own for each release`;
  }
  if (typeof name !== "string" || name === "") return `\`metadata.name\` of the ${value.kind} is missing`;
  if (namespace !== undefined && typeof namespace !== "string") return `\`metadata.namespace\` of ${name} is no text`;
  return undefined;
}

function fillVariables(document: Document, variables: FillIn["variables"]): void {
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && node.value.includes("${")) fillScalar(node, variables);
    },
  });
}

function fillScalar(node: Scalar, variables: FillIn["variables"]): void {
  const text = String(node.value);
  const filled = fillText(text, variables);
  if (filled === text) return;
  const plain = node.type === "PLAIN" ? parseDocument(filled, YAML).contents : undefined;
  const typed = isScalar(plain) && ["number", "boolean"].includes(typeof plain.value) ? plain.value : filled;
  node.value = typed;
}

function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(NAME, (all: string, name: string) => {
    if (!Object.hasOwn(values, name)) return all;
    return all.startsWith("$$") ? all.slice(1) : (values[name] ?? "");
  });
}

/** Fills in secrets in place; what is wrong as a sentence. */
function fillSecrets(body: KubernetesObject, secrets: FillIn["secrets"]): string | undefined {
  const stringData = body.kind === "Secret" && isMapping(body.stringData) ? body.stringData : {};
  const rest = body.kind === "Secret" ? { ...body, stringData: {} } : body;
  const named = [...JSON.stringify(rest).matchAll(NAME)].find(
    ([all, name = ""]) => !all.startsWith("$$") && Object.hasOwn(secrets, name),
  );
  if (named !== undefined) {
    const title = `${body.kind.toLowerCase()}/${body.metadata.name}`;
    return `${title} has the secret \`${named[0]}\`, where everybody who may read the object could read it. Put it into \`stringData\` of a Secret and refer to that`;
  }
  const filled = Object.entries(stringData).map(([key, value]) => [key, fillText(String(value), secrets)] as const);
  return filled.length === 0 ? undefined : encodeData(body, filled);
}

/** `stringData` is written only and does not go together with server-side apply (API reference, Secret): `data` does. */
function encodeData(body: Record<string, unknown>, stringData: readonly (readonly [string, string])[]): undefined {
  const encoded = stringData.map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  body.data = { ...(isMapping(body.data) ? body.data : {}), ...Object.fromEntries(encoded) };
  delete body.stringData;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
