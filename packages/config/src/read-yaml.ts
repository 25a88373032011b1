import { messageOf } from "@belay/core";
import { type Document, isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
import { ConfigSource } from "./config-source.ts";
import type { Problem } from "./problem.ts";

/** A file of people has a few hundred lines; anything far larger is a mistake or an attack. */
const LONGEST = 512 * 1024;
/** How often one anchor may be used before the file counts as a "billion laughs" attack. */
const MOST_ALIASES = 100;

export interface YamlText {
  readonly data: unknown;
  readonly source: ConfigSource;
  readonly problems: readonly Problem[];
}

/**
 * Reads one YAML 1.2 document with merge keys (`<<`). Duplicate keys, unknown tags, several documents and too many
 * aliases are problems. Never throws.
 */
export function readYaml(text: string, file: string): YamlText {
  const counter = new LineCounter();
  if (text.length > LONGEST) {
    const source = new ConfigSource(file, "", parseDocument(""), counter);
    return { data: undefined, source, problems: [{ file, message: `it is longer than ${LONGEST / 1024} KiB.` }] };
  }
  const document = parseDocument(text, { lineCounter: counter, merge: true, prettyErrors: false });
  const source = new ConfigSource(file, text, document, counter);
  const found = [...document.errors, ...document.warnings].map((error) =>
    source.problemAt(error.pos[0], `${sentence(explain(error.code, error.message))}`),
  );
  const problems = [...found, ...oddities(document, source)];
  if (problems.length > 0) return { data: undefined, source, problems };
  return { ...toData(document, source), source };
}

function toData(document: Document, source: ConfigSource): { data: unknown; problems: readonly Problem[] } {
  try {
    return { data: document.toJS({ maxAliasCount: MOST_ALIASES }), problems: [] };
  } catch (error) {
    return { data: undefined, problems: [source.problemAt(0, sentence(messageOf(error)))] };
  }
}

/** An alias without anchor; `__proto__`, a key that nobody sees; a mapping as a key, which has no name. */
function oddities(document: Document, source: ConfigSource): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return;
      problems.push(
        source.problemAt(alias.range?.[0] ?? 0, `no anchor \`&${alias.source}\` stands before this alias.`),
      );
    },
    Pair: (_key, pair) => {
      const offset = (isScalar(pair.key) || isMap(pair.key) ? pair.key.range?.[0] : undefined) ?? 0;
      if (!isScalar(pair.key)) problems.push(source.problemAt(offset, "a key must be plain text."));
      else if (typeof pair.key.value === "object" && pair.key.value !== null) {
        problems.push(source.problemAt(offset, "a key must be plain text."));
      } else if (pair.key.value === "__proto__")
        problems.push(source.problemAt(offset, "`__proto__` is no legal key."));
    },
  });
  return problems;
}

function explain(code: string, message: string): string {
  if (code === "DUPLICATE_KEY") return "this key stands here a second time; keep one of them";
  if (code === "MULTIPLE_DOCS") return "a second YAML document begins; one file is one document";
  if (code === "TAB_AS_INDENT") return "a tab; indent with spaces";
  return `not valid YAML: ${message}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
