import { createHash } from "node:crypto";
import { type Digest, type Source, shortDigest } from "@belay/core";

const LONGEST = 128;
const SHORT_COMMIT = 12;
/** semver.org, with the optional `v` of git tags. */
const SEMVER =
  /^v?(?<version>(?<major>0|[1-9]\d*)\.(?<minor>0|[1-9]\d*)\.(?:0|[1-9]\d*)(?<pre>-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$/;
/** What a branch may not take: it would move a tag that means something else. */
const RESERVED = /^(?:(?:sha|pr)-|latest$|v?\d+(?:\.\d+)*(?:$|[-+]))/;

export interface TagOptions {
  /** Config digest of the built image: makes the SHA tag of a dirty tree unique, so that it never has to be moved. */
  readonly content?: Digest;
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
 */
export function imageTags(source: Source, options: TagOptions = {}): string[] {
  const moving = [...refTags(source.ref), ...(source.pullRequest === undefined ? [] : [`pr-${source.pullRequest}`])];
  return [...new Set([shaTag(source, options), ...moving])];
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
