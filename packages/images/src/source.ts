import { realpath } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { BelayError, oneLine, type Runner, type Source } from "@belay/core";
import { createGit, type Git } from "./git.ts";
import { webAddressOf } from "./web-address.ts";

/** What of the run's event says where the commit comes from. `RunEvent` of `@belay/github` is one. */
export interface SourceEvent {
  /** The commit that the event is about; never a merge commit of GitHub's. */
  readonly headSha: string;
  /** Full ref. */
  readonly ref: string;
  /** The commit comes from another repository: its branch names mean nothing here. */
  readonly fork: boolean;
  readonly pullRequest?: { readonly number: number; readonly headSha: string; readonly title?: string };
}

export interface ReadSourceOptions {
  readonly workingDirectory: string;
  /** `GITHUB_*`, as in `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runner: Runner;
  readonly event?: SourceEvent;
  /** Full SHA that the user states. In a repository it must be what is checked out. */
  readonly revision?: string;
  /** Build contexts and Dockerfiles: only changes in them make the tree dirty. Default: the whole repository. */
  readonly paths?: readonly string[];
  /** Other folders that are built from. Changes in them count too; one outside of the repository doesn't. */
  readonly otherPaths?: readonly string[];
}

const SHA = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const DOING = "reading the commit that is built";

/**
 * The commit whose files are really there to be built, read from the work tree and not from `GITHUB_SHA`, which is
 * another commit whenever a workflow checks something else out.
 *
 * On `pull_request`, `actions/checkout` takes GitHub's test merge of the head onto the base, a commit that is in no
 * branch and soon gone. Then `revision` is the head commit, by which people find the change and its author; and because
 * the files are those of head *and* base, `mergedOnto` names the base, unless the head's own tree is known to be the same.
 *
 * `dirty`: tracked files were changed, or there are untracked ones that git does not ignore, inside `paths`.
 * @throws BelayError SOURCE_UNKNOWN without a repository, a commit, or git's trust in the folder.
 */
export async function readSource(options: ReadSourceOptions): Promise<Source> {
  return (await readCheckout(options)).source;
}

/** As {@link readSource}; `top` is the repository's folder, where there is one. */
export async function readCheckout(
  options: ReadSourceOptions,
): Promise<{ readonly source: Source; readonly top?: string }> {
  const git = createGit(options.runner, options.workingDirectory);
  const stated = statedRevision(options.revision);
  if (stated !== undefined && (await git.find("rev-parse", "--git-dir")) === undefined) {
    return { source: { repository: repositoryFrom(options.env) ?? "", revision: stated, ...runOf(options.env) } };
  }
  const [top, head] = await topAndHead(git);
  if (stated !== undefined && stated !== head) throw otherCommit(stated, head);
  const [repository, commit, ref, dirty] = await Promise.all([
    addressOf(git, options.env),
    describeHead(git, head, options.event),
    refOf(git, head, options),
    isDirty(git, top, options),
  ]);
  const source = {
    repository,
    ...commit,
    ...(ref === undefined ? {} : { ref }),
    ...pullRequestOf(head, commit.revision, options.event),
    ...(dirty ? { dirty: true } : {}),
    ...runOf(options.env),
  };
  return { source, top };
}

/** One process tells both. The folder's own name may have more than one line. */
async function topAndHead(git: Git): Promise<readonly [top: string, head: string]> {
  const told = await git.ask(DOING, "rev-parse", "--show-toplevel", "--verify", "HEAD^{commit}");
  const end = told.lastIndexOf("\n");
  return [told.slice(0, end), told.slice(end + 1)];
}

async function addressOf(git: Git, env: ReadSourceOptions["env"]): Promise<string> {
  return repositoryFrom(env) ?? webAddressOf(await git.find("remote", "get-url", "origin")) ?? "";
}

type Commit = Pick<Source, "revision" | "mergedOnto" | "author" | "title" | "committedAt">;

async function describeHead(git: Git, head: string, event: SourceEvent | undefined): Promise<Commit> {
  const own = await describe(git, head);
  const wanted = event?.pullRequest?.headSha;
  if (wanted === undefined || wanted === head) return own;
  const [base, merged] = await parentsOf(git, head);
  if (base === undefined || merged !== wanted) return own;
  // A shallow checkout has the merge commit alone: then nothing can be said about the head's tree.
  const tree = await git.find("rev-parse", "--verify", "--quiet", `${wanted}^{tree}`);
  const same = tree !== undefined && tree === (await git.find("rev-parse", "--verify", "--quiet", `${head}^{tree}`));
  const known = tree === undefined ? { ...own, ...titleOf(event?.pullRequest?.title) } : await describe(git, wanted);
  return { ...known, revision: wanted, ...(same ? {} : { mergedOnto: base }) };
}

async function describe(git: Git, revision: string): Promise<Commit> {
  const format = "--format=%an <%ae>%x00%ct%x00%s";
  const text = await git.ask(DOING, "show", "--no-patch", "--no-show-signature", "--no-color", format, revision, "--");
  const [author = "", seconds = "", title = ""] = text.split("\0");
  // Not %cI, which newer versions of git write in another way.
  const committedAt = new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
  return { revision, author: oneLine(author), committedAt, ...titleOf(title) };
}

function titleOf(title: string | undefined): { title?: string } {
  return title === undefined || title === "" ? {} : { title: oneLine(title) };
}

/** From the commit object itself: in a shallow clone `git log` shows no parents. */
async function parentsOf(git: Git, revision: string): Promise<string[]> {
  const raw = (await git.find("cat-file", "commit", revision)) ?? "";
  const header = raw.split("\n\n", 1)[0] ?? "";
  return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, parent]) => parent ?? "");
}

/** The ref that the run names, when it names the commit that is checked out; else what git itself knows. */
async function refOf(git: Git, head: string, options: ReadSourceOptions): Promise<string | undefined> {
  const { event, env } = options;
  if (event?.headSha === head && event.ref !== "" && !event.fork) return event.ref;
  if (env.GITHUB_SHA === head && env.GITHUB_REF !== undefined && env.GITHUB_REF !== "") return env.GITHUB_REF;
  const branch = await git.find("symbolic-ref", "--quiet", "HEAD");
  if (branch !== undefined || event?.fork === true) return branch;
  const tags = (await git.find("for-each-ref", "--format=%(refname)", "--points-at", head, "refs/tags"))?.split("\n");
  return tags?.length === 1 ? tags[0] : undefined;
}

/** Only when what is built is the pull request: `pull_request_target` checks the base out unless told otherwise. */
function pullRequestOf(head: string, revision: string, event: SourceEvent | undefined): Pick<Source, "pullRequest"> {
  const pullRequest = event?.pullRequest;
  if (pullRequest === undefined) return {};
  return pullRequest.headSha === head || pullRequest.headSha === revision ? { pullRequest: pullRequest.number } : {};
}

async function isDirty(git: Git, top: string, options: ReadSourceOptions): Promise<boolean> {
  const { paths = [], otherPaths = [] } = options;
  const inside: string[] = [];
  for (const path of [...paths, ...otherPaths]) {
    const full = await realpath(resolve(options.workingDirectory, path)).catch(() => undefined);
    if (full === undefined) continue;
    const below = relative(await realpath(top), full);
    const outside = below.startsWith("..") || isAbsolute(below);
    // No commit of this repository holds a file outside of it.
    if (outside && paths.includes(path)) return true;
    if (!outside) inside.push(full);
  }
  if (options.paths !== undefined && inside.length === 0) return false;
  const status = ["--literal-pathspecs", "status", "--porcelain", "--untracked-files=all"];
  return (await git.ask("looking for changes that no commit holds", ...status, "--", ...inside)) !== "";
}

function repositoryFrom(env: ReadSourceOptions["env"]): string | undefined {
  const server = env.GITHUB_SERVER_URL ?? "https://github.com";
  const name = env.GITHUB_REPOSITORY ?? "";
  return name === "" ? undefined : webAddressOf(`${server.replace(/\/+$/, "")}/${name}`);
}

function runOf(env: ReadSourceOptions["env"]): Pick<Source, "run"> {
  const id = env.GITHUB_RUN_ID ?? "";
  if (id === "") return {};
  const attempt = Number(env.GITHUB_RUN_ATTEMPT ?? "1");
  const repository = repositoryFrom(env);
  const url = repository === undefined ? {} : { url: `${repository}/actions/runs/${encodeURIComponent(id)}` };
  return { run: { id, attempt: Number.isInteger(attempt) && attempt > 0 ? attempt : 1, ...url } };
}

function statedRevision(revision: string | undefined): string | undefined {
  if (revision === undefined || SHA.test(revision)) return revision;
  const got = `the revision is ${JSON.stringify(oneLine(revision, 80))}`;
  throw new BelayError("INVALID_INPUT", { doing: DOING, got, next: "Give the full SHA: 40 hexadecimal digits." });
}

function otherCommit(stated: string, head: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: DOING,
    got: `the revision is given as ${stated}, but ${head} is checked out`,
    next: "Check that commit out, or leave the revision away.",
  });
}
