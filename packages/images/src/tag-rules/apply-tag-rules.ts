import { BelayError, type Source } from "@belay/core";
import { SEMVER } from "../semver.ts";
import { fillTemplate, type TemplateValues } from "./fill-template.ts";
import type { Flavor } from "./parse-flavor.ts";
import { type TagRule, toExpression } from "./parse-tag-rule.ts";

/** What of the run's event a build may speak of, in rules above all. */
export interface TagEvent {
  /** `push`, `schedule`, … */
  readonly name: string;
  readonly defaultBranch?: string;
  /** `GITHUB_SHA`. */
  readonly workflowSha?: string;
  /** Branch that the pull request goes to. */
  readonly baseRef?: string;
}

export interface TagContext {
  readonly source: Source;
  readonly event?: TagEvent;
  readonly now: Date;
  readonly doing: string;
}

export interface AppliedRules {
  /** In the order of their priorities, without doubles. */
  readonly tags: readonly string[];
  /** Rules that could not be applied, and why. */
  readonly warnings: readonly string[];
}

/** What one rule gives: the tag, and whether `latest` goes with it when the flavor leaves that to the rules. */
interface Made {
  readonly tag: string;
  readonly latest: boolean;
}

/**
 * The tags that these rules give for this commit, as docker/metadata-action's README describes them. What a rule speaks of
 * and this run has not gives no tag.
 * @throws BelayError INVALID_INPUT for an expression or an `enable` that there is not
 */
export function applyTagRules(rules: readonly TagRule[], flavor: Flavor, context: TagContext): AppliedRules {
  const warnings: string[] = [];
  const values = valuesOf(context);
  const fill = (text: string): string => fillTemplate(text, values, context.doing);
  const made: Made[] = [];
  for (const rule of rules.toSorted((a, b) => b.priority - a.priority)) {
    if (!isEnabled(fill(rule.enable), rule, context.doing)) continue;
    const one = MAKERS[rule.type](rule, { ...context, fill, values, warn: (text) => warnings.push(text) });
    if (one === undefined) continue;
    const prefix = fill(rule.prefix ?? flavor.prefix);
    const suffix = fill(rule.suffix ?? flavor.suffix);
    const tag = sanitize(`${prefix}${one.tag}${suffix}`);
    if (tag !== "") made.push({ ...one, tag });
  }
  // The first decides: a rule of a higher priority says what the image is.
  const [first] = made;
  const latest = first !== undefined && (flavor.latest === "auto" ? first.latest : flavor.latest === "true");
  const named = `${flavor.prefixLatest ? fill(flavor.prefix) : ""}latest${flavor.suffixLatest ? fill(flavor.suffix) : ""}`;
  const tags = [...made.map(({ tag }) => tag), ...(latest ? [sanitize(named)] : [])];
  return { tags: [...new Set(tags)], warnings };
}

function isEnabled(value: string, rule: TagRule, doing: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  const got = `a rule of type ${rule.type} has enable=${JSON.stringify(value)}`;
  throw new BelayError("INVALID_INPUT", { doing, got, next: "Legal values: true, false." });
}

interface Making extends TagContext {
  readonly values: TemplateValues;
  readonly fill: (text: string) => string;
  readonly warn: (text: string) => void;
}

type Maker = (rule: TagRule, making: Making) => Made | undefined;

const MAKERS: Readonly<Record<TagRule["type"], Maker>> = {
  schedule: ({ pattern }, { event, values: { dates }, doing }) =>
    event?.name === "schedule"
      ? { tag: fillTemplate(pattern, { values: {}, dates }, doing), latest: false }
      : undefined,
  semver: semverTag,
  match: matchTag,
  edge: ({ branch }, { source, event }) => {
    const current = after(source.ref, "refs/heads/");
    return current !== undefined && current === (branch === "" ? event?.defaultBranch : branch)
      ? { tag: "edge", latest: false }
      : undefined;
  },
  ref: ({ event }, { source }) => {
    const prefixes = { branch: "refs/heads/", tag: "refs/tags/" } as const;
    const name =
      event === "pr" ? source.pullRequest : after(source.ref, event === "tag" ? prefixes.tag : prefixes.branch);
    return name === undefined ? undefined : { tag: String(name), latest: event === "tag" };
  },
  raw: ({ value }, { fill }) => {
    const tag = fill(value);
    return tag === "" ? undefined : { tag, latest: false };
  },
  sha: ({ format }, { source }) => ({
    tag: format === "long" ? source.revision : source.revision.slice(0, SHORT),
    latest: false,
  }),
};

/** Of a commit. */
const SHORT = 7;

function semverTag({ pattern, value, match }: TagRule, { source, fill, warn, doing }: Making): Made | undefined {
  const given = value === "" ? after(source.ref, "refs/tags/") : fill(value);
  if (given === undefined) return undefined;
  const found = match === "" ? undefined : toExpression(match).exec(given);
  if (found === null) warn(`${match} does not match ${given}`);
  const version = (found?.[1] ?? found?.[0] ?? given).replaceAll("/", "-");
  const groups = SEMVER.exec(version)?.groups;
  if (groups === undefined) {
    warn(`${version} is no semantic version (semver.org)`);
    return undefined;
  }
  const { major = "", minor = "", patch = "", pre = "" } = groups;
  const values = { raw: version, version: `${major}.${minor}.${patch}${pre}`, major, minor, patch };
  // A pre-release moves no tag that others follow: it has its own name only.
  const isRaw = /^\{\{\s*raw\s*\}\}$/.test(pattern);
  const used = pre === "" || isRaw ? pattern : "{{version}}";
  return { tag: fillTemplate(used, { values, dates: {} }, doing), latest: pre === "" };
}

function matchTag({ pattern, group, value }: TagRule, { source, fill, warn }: Making): Made | undefined {
  const given = value === "" ? after(source.ref, "refs/tags/") : fill(value);
  if (given === undefined) return undefined;
  const found = toExpression(pattern).exec(given)?.[group];
  if (found !== undefined) return { tag: found, latest: true };
  warn(`${pattern} (group ${group}) does not match ${given}`);
  return undefined;
}

function after(ref: string | undefined, prefix: string): string | undefined {
  return ref?.startsWith(prefix) === true ? ref.slice(prefix.length) : undefined;
}

/** Events that GitHub only ever runs on the default branch. */
const ON_DEFAULT = /^(?:schedule|issues|issue_comment|discussion|discussion_comment|create)$/;

function valuesOf({ source, event, now }: TagContext): TemplateValues {
  const branch = after(source.ref, "refs/heads/");
  const onDefault = branch !== undefined && (branch === event?.defaultBranch || ON_DEFAULT.test(event?.name ?? ""));
  return {
    values: {
      branch: branch ?? "",
      tag: after(source.ref, "refs/tags/") ?? "",
      sha: source.revision.slice(0, SHORT),
      base_ref: event?.baseRef ?? "",
      is_default_branch: String(onDefault),
      is_not_default_branch: String(!onDefault),
    },
    dates: { date: now, commit_date: source.committedAt === undefined ? now : new Date(source.committedAt) },
  };
}

/** A tag's legal characters, not beginning with `.` or `-`, at most 128 (distribution, "reference" grammar). */
function sanitize(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 128);
}
