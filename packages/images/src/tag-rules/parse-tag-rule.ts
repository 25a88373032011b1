import { BelayError } from "@belay/core";
import { readCsvRow } from "./read-csv-row.ts";

/** Kinds of rules with their priorities where a rule names none (docker/metadata-action, README, "`priority` attribute"). */
const PRIORITIES = { schedule: 1000, semver: 900, match: 800, edge: 700, ref: 600, raw: 200, sha: 100 } as const;

export type TagRuleType = keyof typeof PRIORITIES;

/** One line of `tags`, checked and with what it leaves out filled in. */
export interface TagRule {
  readonly type: TagRuleType;
  readonly priority: number;
  /** `true`, `false`, or an expression that gives one of them. */
  readonly enable: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly pattern: string;
  readonly value: string;
  readonly match: string;
  readonly group: number;
  readonly branch: string;
  readonly event: string;
  readonly format: string;
}

/** What a rule of each kind may say besides `type`, `enable`, `priority`, `prefix` and `suffix`. */
const ATTRIBUTES: Readonly<Record<TagRuleType, readonly string[]>> = {
  schedule: ["pattern"],
  semver: ["pattern", "value", "match"],
  match: ["pattern", "group", "value"],
  edge: ["branch"],
  ref: ["event"],
  raw: ["value"],
  sha: ["format"],
};
const GLOBAL = ["type", "enable", "priority", "prefix", "suffix"];

/**
 * Reads one rule as docker/metadata-action writes it: `type=semver,pattern={{version}}`, or a bare value, which is `raw`.
 * @throws BelayError INVALID_INPUT
 */
export function parseTagRule(line: string, doing: string): TagRule {
  const refuse = (got: string, next: string): never => {
    throw new BelayError("INVALID_INPUT", { doing, got: `the rule ${JSON.stringify(line)} ${got}`, next });
  };
  const pairs = attributesOf(line);
  const given = new Map(pairs);
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (twice !== undefined) refuse(`says \`${twice[0]}\` twice`, 'Put quotes around what has a comma: "value=a,b".');
  const type = given.get("type") ?? "raw";
  if (!isType(type))
    return refuse(`has the type ${JSON.stringify(type)}`, `Legal types: ${Object.keys(PRIORITIES).join(", ")}.`);
  const legal = [...GLOBAL, ...ATTRIBUTES[type]];
  const unknown = [...given.keys()].find((key) => !legal.includes(key));
  if (unknown !== undefined)
    refuse(`has the attribute ${JSON.stringify(unknown)}`, `Legal attributes: ${legal.join(", ")}.`);
  const choose = (key: string, values: readonly string[]): void => {
    if (!values.includes(given.get(key) ?? "")) refuse(`needs \`${key}\``, `Legal values: ${values.join(", ")}.`);
  };
  if (type === "ref") choose("event", ["branch", "tag", "pr"]);
  if (type === "sha" && given.has("format")) choose("format", ["short", "long"]);
  for (const key of ["semver", "match"].includes(type) ? ["pattern"] : type === "raw" ? ["value"] : []) {
    if (!given.has(key)) refuse(`needs \`${key}\``, `Write it like type=${type},${key}=….`);
  }
  for (const key of ["priority", "group"]) {
    if (!/^-?\d+$/.test(given.get(key) ?? "0")) refuse(`has no number as \`${key}\``, "Write a whole number.");
  }
  for (const key of type === "match" ? ["pattern"] : ["match"]) {
    if (!isExpression(given.get(key) ?? "")) refuse(`has no regular expression as \`${key}\``, "Correct it.");
  }
  return complete(type, given);
}

function isType(text: string): text is TagRuleType {
  return Object.hasOwn(PRIORITIES, text);
}

function attributesOf(line: string): (readonly [string, string])[] {
  return readCsvRow(line).map((field): [string, string] => {
    const at = field.indexOf("=");
    return at < 1 ? ["value", field.trim()] : [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()];
  });
}

function complete(type: TagRuleType, given: ReadonlyMap<string, string>): TagRule {
  const own = { ref: given.get("event") === "pr" ? "pr-" : undefined, sha: "sha-" };
  const prefix = given.get("prefix") ?? (type === "ref" || type === "sha" ? own[type] : undefined);
  const suffix = given.get("suffix");
  return {
    type,
    priority: Number(given.get("priority") ?? PRIORITIES[type]),
    enable: given.get("enable") ?? "true",
    ...(prefix === undefined ? {} : { prefix }),
    ...(suffix === undefined ? {} : { suffix }),
    pattern: given.get("pattern") ?? (type === "schedule" ? "nightly" : ""),
    value: given.get("value") ?? "",
    match: given.get("match") ?? "",
    group: Number(given.get("group") ?? "0"),
    branch: given.get("branch") ?? "",
    event: given.get("event") ?? "",
    format: given.get("format") ?? "short",
  };
}

/** `\d+`, or `/\d+/i` with flags. */
export function toExpression(text: string): RegExp {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/.exec(text) ?? [];
  // Without `g`, `match` gives the groups.
  return source === undefined ? new RegExp(text) : new RegExp(source, flags?.replace("g", ""));
}

function isExpression(text: string): boolean {
  try {
    toExpression(text);
    return true;
  } catch {
    return false;
  }
}
