import { createHash } from "node:crypto";
import { type Digest, type Source, shortDigest } from "@belay/core";
import { SEMVER } from "./semver.ts";
import { type AppliedRules, applyTagRules, type TagEvent } from "./tag-rules/apply-tag-rules.ts";
import { parseFlavor } from "./tag-rules/parse-flavor.ts";
import { parseTagRule } from "./tag-rules/parse-tag-rule.ts";

const LONGEST = 128;
const SHORT_COMMIT = 12;
/** What a branch may not take: it would move a tag that means something else. */
const RESERVED = /^(?:(?:sha|pr)-|latest$|v?\d+(?:\.\d+)*(?:$|[-+]))/;

export interface TagOptions {
  /** Config digest of the built image: makes the SHA tag of a dirty tree unique, so that it never has to be moved. */
  readonly content?: Digest;
  /** What the user wants instead of Belay's moving tags. */
  readonly rules?: TagRules;
}

/** Rules as docker/metadata-action has them, with what they may speak of. */
export interface TagRules {
  readonly tags: readonly string[];
  readonly flavor?: readonly string[];
  readonly event?: TagEvent;
  readonly now: Date;
  /** For errors: `reading services.web.build`. */
  readonly doing: string;
  readonly warn: (message: string) => void;
}

/**
 * Tags of an image, without the repository: the immutable SHA tag first, then the ones that move.
 *
 * - `sha-<12>`: exactly the content of this commit. `sha-<12>-onto-<12>`: GitHub's merge of this commit onto that one.
 *   `sha-<12>-dirty-<12>`: this commit and changes that no commit holds, told apart by the image's content.
 * - a branch: its name with every illegal character replaced; `branch-…` where it would look like another kind of tag.
 * - a git tag `v1.2.3`: `1.2.3`, `1.2`, `1` and `latest`; `1.2.3-rc.1` only itself; major version 0 has no tag `0`
 *   (semver: anything may change there). Any other git tag: its name.
 * - a pull request: `pr-<number>`.
 *
 * With rules the tags that move are what these give; the SHA tag comes first all the same.
 * @throws BelayError INVALID_INPUT for a rule that can't be read
 */
export function imageTags(source: Source, options: TagOptions = {}): string[] {
  const own = shaTag(source, options);
  const { rules } = options;
  if (rules !== undefined) return [...new Set([own, ...ruleTags(source, own, rules)])];
  const moving = [...refTags(source.ref), ...(source.pullRequest === undefined ? [] : [`pr-${source.pullRequest}`])];
  return [...new Set([own, ...moving])];
}

/** The form of the tag that names one commit for ever. */
const IMMUTABLE = new RegExp(`^sha-[0-9a-f]{${SHORT_COMMIT}}(?:-|$)`);

function ruleTags(source: Source, own: string, { tags, flavor = [], event, now, doing, warn }: TagRules): string[] {
  const applied: AppliedRules = applyTagRules(
    tags.map((line) => parseTagRule(line, doing)),
    parseFlavor(flavor, doing),
    { source, now, doing, ...(event === undefined ? {} : { event }) },
  );
  for (const warning of applied.warnings) warn(`a rule for tags: ${warning}`);
  const taken = applied.tags.filter((tag) => tag !== own && IMMUTABLE.test(tag));
  // A branch may be called like another commit's tag.
  for (const tag of taken) warn(`a rule for tags gives ${tag}, which is another commit's for ever: it is left out`);
  return applied.tags.filter((tag) => !taken.includes(tag));
}

/** Version that a git tag names: `1.2.3`, or `undefined`. */
export function semverOf(ref: string | undefined): string | undefined {
  return SEMVER.exec(tagName(ref) ?? "")?.groups?.version;
}

function shaTag(source: Source, options: TagOptions): string {
  const parts = [`sha-${source.revision.slice(0, SHORT_COMMIT)}`];
  if (source.mergedOnto !== undefined) parts.push(`onto-${source.mergedOnto.slice(0, SHORT_COMMIT)}`);
  if (source.dirty === true) parts.push("dirty");
  if (source.dirty === true && options.content !== undefined) parts.push(shortDigest(options.content));
  return parts.join("-");
}

function refTags(ref: string | undefined): string[] {
  const tag = tagName(ref);
  if (tag !== undefined) return gitTagTags(tag);
  if (ref?.startsWith("refs/heads/") !== true) return [];
  const name = slug(ref.slice("refs/heads/".length));
  return [RESERVED.test(name) ? fit(`branch-${name}`) : name];
}

function tagName(ref: string | undefined): string | undefined {
  return ref?.startsWith("refs/tags/") === true ? ref.slice("refs/tags/".length) : undefined;
}

function gitTagTags(tag: string): string[] {
  const groups = SEMVER.exec(tag)?.groups;
  if (groups?.version === undefined) {
    const name = slug(tag);
    return [RESERVED.test(name) ? fit(`tag-${name}`) : name];
  }
  const version = slug(groups.version);
  if (groups.pre !== undefined) return [version];
  const major = groups.major === "0" ? [] : [String(groups.major)];
  return [version, `${groups.major}.${groups.minor}`, ...major, "latest"];
}

/** Only legal characters (distribution reference grammar: `[\w][\w.-]{0,127}`), never empty. */
function slug(name: string): string {
  const legal = name.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[.-]+|-+$/g, "");
  return fit(legal === "" ? `ref-${hash(name)}` : legal);
}

/** A name that is too long is cut, and ends in a hash of the whole, so that two long names stay two. */
function fit(name: string): string {
  return name.length <= LONGEST ? name : `${name.slice(0, LONGEST - 9)}-${hash(name)}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
