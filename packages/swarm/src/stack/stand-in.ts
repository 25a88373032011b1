import { isMap, isScalar, type ParsedNode, parseDocument } from "yaml";
import { STAND_INS } from "./stack-document.ts";

export interface StandIn {
  readonly text: string;
  readonly changed: boolean;
}

/**
 * A file in which `content` and `environment` of configs and secrets, which docker's stack commands refuse, go by extension
 * keys that they let through. Text without them stays as it is.
 */
export function standIn(text: string): StandIn {
  const document = parseDocument(text, { logLevel: "silent" });
  const entries = ["configs", "secrets"].flatMap((section) => membersOf(document.get(section, true)));
  const keys = entries.flatMap((entry) => keysOf(entry)).filter(({ value }) => value in STAND_INS);
  for (const key of keys) key.value = STAND_INS[key.value as keyof typeof STAND_INS];
  return keys.length === 0 ? { text, changed: false } : { text: document.toString(), changed: true };
}

function membersOf(section: unknown): unknown[] {
  return isMap<ParsedNode, ParsedNode | null>(section) ? section.items.map(({ value }) => value) : [];
}

function keysOf(entry: unknown): { value: string }[] {
  if (!isMap<ParsedNode, ParsedNode | null>(entry)) return [];
  return entry.items.flatMap(({ key }) => (isScalar<string>(key) && typeof key.value === "string" ? [key] : []));
}
