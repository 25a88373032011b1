import { readFile } from "node:fs/promises";
import { BelayError, messageOf } from "@belay/core";
import { at, isRecord, numberAt, optional, textAt } from "./json-path.ts";

export interface PullRequest {
  readonly number: number;
  /** Last commit of the pull request's branch; not GitHub's merge commit. */
  readonly headSha: string;
  /** True when the branch is in another repository, so that a run's own token can only read. */
  readonly fork: boolean;
  /** Branch name without `refs/heads/`. Outside text. */
  readonly headRef?: string;
  readonly baseRef?: string;
  /** Outside text. */
  readonly title?: string;
  readonly author?: string;
  readonly url?: string;
}

/** What started the run, from `GITHUB_EVENT_PATH` and the runner's variables. */
export interface RunEvent {
  /** `GITHUB_EVENT_NAME`. */
  readonly name: string;
  /**
   * The commit that the event is about: a pull request's head (never its merge commit), what was pushed, what the
   * finished workflow ran on; else `GITHUB_SHA`.
   */
  readonly headSha: string;
  /** `GITHUB_SHA`: what the workflow itself runs on; a pull request's merge commit, for one. */
  readonly workflowSha?: string;
  /** Full ref: `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`. */
  readonly ref: string;
  readonly pullRequest?: PullRequest;
  /** The repository's, without `refs/heads/`, where the event tells it. */
  readonly defaultBranch?: string;
  /** The commit comes from another repository: not trusted, and the run's token may only read. */
  readonly fork: boolean;
  /** Who did it. Outside text. */
  readonly actor: string;
}

/** The runner's variables, as in `process.env`. */
export type RunnerEnv = Readonly<Record<string, string | undefined>>;

const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * Reads and checks the event. Only what is used is looked at, since payloads grow.
 * @throws BelayError INVALID_INPUT when the file can't be read or lacks what its event always has.
 */
export async function readEvent(env: RunnerEnv): Promise<RunEvent> {
  const name = env.GITHUB_EVENT_NAME ?? "";
  const path = env.GITHUB_EVENT_PATH ?? "";
  return interpretEvent(name, path === "" ? {} : await readPayload(path), env);
}

async function readPayload(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw invalid(`the file ${path} gave: ${messageOf(error)}`, error);
  }
}

/** The pure part of {@link readEvent}. */
export function interpretEvent(name: string, payload: unknown, env: RunnerEnv): RunEvent {
  if (!isRecord(payload)) throw invalid("the payload is no JSON object");
  const facts = factsOf(name, payload, env);
  const headSha = facts.headSha ?? env.GITHUB_SHA ?? "";
  if (!SHA.test(headSha)) throw invalid(`event \`${name}\` names no commit (got ${JSON.stringify(headSha)})`);
  return {
    name,
    headSha,
    ...optional("workflowSha", env.GITHUB_SHA),
    ref: facts.ref ?? env.GITHUB_REF ?? "",
    ...optional("pullRequest", facts.pullRequest),
    ...optional("defaultBranch", textAt(payload, "repository.default_branch")),
    fork: facts.fork ?? false,
    actor: textAt(payload, "sender.login") ?? env.GITHUB_ACTOR ?? "",
  };
}

type Facts = Partial<Pick<RunEvent, "headSha" | "ref" | "pullRequest" | "fork">>;

function factsOf(name: string, payload: Record<string, unknown>, env: RunnerEnv): Facts {
  switch (name) {
    case "push":
      return { ...optional("headSha", pushedCommit(payload)), ...optional("ref", textAt(payload, "ref")) };
    case "pull_request":
    case "pull_request_target":
      return pullRequestFacts(payload, env);
    case "workflow_run":
      return workflowRunFacts(payload);
    case "release": {
      const tag = textAt(payload, "release.tag_name");
      if (tag === undefined) throw invalid("event `release` has no release.tag_name");
      return { ref: `refs/tags/${tag}` };
    }
    case "workflow_dispatch":
      return optional("ref", textAt(payload, "ref"));
    default:
      return {};
  }
}

/**
 * `after` of an annotated tag is the tag's own object; `head_commit` is the commit that it points to (webhook docs, "push").
 * `after` is all zeros when a branch was deleted: then the run's own commit counts.
 */
function pushedCommit(payload: unknown): string | undefined {
  const after = textAt(payload, "head_commit.id") ?? textAt(payload, "after");
  return after === undefined || /^0+$/.test(after) ? undefined : after;
}

function pullRequestFacts(payload: unknown, env: RunnerEnv): Facts {
  const pullRequest = readPullRequest(at(payload, "pull_request"));
  if (pullRequest === undefined) throw invalid("event `pull_request` has no number or head commit");
  return {
    headSha: pullRequest.headSha,
    ref: env.GITHUB_REF ?? `refs/pull/${pullRequest.number}/merge`,
    pullRequest,
    fork: pullRequest.fork,
  };
}

/** A pull request as the REST API and the events show it. */
export function readPullRequest(value: unknown): PullRequest | undefined {
  const number = numberAt(value, "number");
  const headSha = textAt(value, "head.sha");
  if (number === undefined || headSha === undefined || !SHA.test(headSha)) return undefined;
  return {
    number,
    headSha,
    fork: textAt(value, "head.repo.full_name") !== textAt(value, "base.repo.full_name"),
    ...optional("headRef", textAt(value, "head.ref")),
    ...optional("baseRef", textAt(value, "base.ref")),
    ...optional("title", textAt(value, "title")),
    ...optional("author", textAt(value, "user.login")),
    ...optional("url", textAt(value, "html_url")),
  };
}

/** `workflow_run.pull_requests` is empty for forks, and its entries are shorter than elsewhere (no title, no names). */
function workflowRunFacts(payload: unknown): Facts {
  const headSha = textAt(payload, "workflow_run.head_sha");
  if (headSha === undefined) throw invalid("event `workflow_run` has no workflow_run.head_sha");
  const branch = textAt(payload, "workflow_run.head_branch");
  const listed = at(payload, "workflow_run.pull_requests");
  const entry = (Array.isArray(listed) ? listed : []).find((one: unknown) => textAt(one, "head.sha") === headSha);
  const number = numberAt(entry, "number");
  const baseRef = textAt(entry, "base.ref");
  return {
    headSha,
    ...optional("ref", branch === undefined ? undefined : `refs/heads/${branch}`),
    ...(number === undefined ? {} : { pullRequest: { number, headSha, fork: false, ...optional("baseRef", baseRef) } }),
    fork:
      textAt(payload, "workflow_run.head_repository.full_name") !==
      textAt(payload, "workflow_run.repository.full_name"),
  };
}

function invalid(got: string, cause?: unknown): BelayError {
  const next = "Run this in a step of GitHub Actions, or leave GITHUB_EVENT_PATH empty.";
  return new BelayError("INVALID_INPUT", { doing: "reading the event of the run", got, next, cause });
}
