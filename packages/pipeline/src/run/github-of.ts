import { createGitHub, type GitHub, type PullRequest, type RunEvent, readEvent, runUrl } from "@belay/github";
import type { PipelineContext } from "./context.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/** The run on GitHub that Belay is part of. */
export interface GitHubRun {
  readonly github: GitHub;
  readonly event: RunEvent;
  readonly runUrl?: string;
  readonly run: { readonly id: string; readonly attempt: number; readonly url: string };
  /** `GITHUB_SHA`: on a pull request the merge commit. */
  readonly workflowSha?: string;
}

/**
 * The run that this process belongs to; `undefined` outside of GitHub Actions, where nothing is reported to GitHub.
 * @throws BelayError INVALID_INPUT when the runner's event file can't be read.
 */
export async function githubOf(
  context: PipelineContext,
  inputs: CommonInputs & { readonly commentAuthor?: string },
): Promise<GitHubRun | undefined> {
  const { env, log, redactor, clock } = context;
  const repository = env.GITHUB_REPOSITORY;
  if (env.GITHUB_ACTIONS !== "true" || repository === undefined) return undefined;
  const event = await readEvent(env);
  const url = runUrl(env);
  const github = createGitHub({
    token: inputs.githubToken,
    apiUrl: env.GITHUB_API_URL || "https://api.github.com",
    repository,
    redactor,
    log,
    clock,
    event,
    ...(inputs.commentAuthor === undefined ? {} : { commentAuthor: inputs.commentAuthor }),
  });
  const workflowSha = env.GITHUB_SHA;
  return {
    github,
    event,
    ...(url === undefined ? {} : { runUrl: url }),
    run: { id: env.GITHUB_RUN_ID ?? "", attempt: Number(env.GITHUB_RUN_ATTEMPT ?? "1"), url: url ?? "" },
    ...(workflowSha === undefined ? {} : { workflowSha }),
  };
}

/** The pull request of a commit, when GitHub tells; a failure of GitHub is a pull request unknown. */
export async function pullRequestOf(run: GitHubRun | undefined, commit: string): Promise<PullRequest | undefined> {
  if (run === undefined) return undefined;
  const found = await run.github.findPullRequest(commit);
  return found.done ? found.value : undefined;
}

/**
 * Whether the run of GitHub Actions that holds a deployment has ended, so that nobody waits for signs of its life.
 * `false` when it can't be known: then its beats tell.
 */
export function isOverOf(run: GitHubRun | undefined): (holder: { readonly run: string }) => Promise<boolean> {
  // Asked once per run: the first answer of a run that still goes on is as good as its beats, and no answer stays none.
  const asked = new Map<string, Promise<boolean>>();
  return (holder) => {
    const id = /^(\d{1,20})\./.exec(holder.run)?.[1];
    if (run === undefined || id === undefined || id === run.run.id) return Promise.resolve(false);
    const answer = asked.get(id) ?? run.github.isRunOver(Number(id)).then((over) => over.done && over.value);
    asked.set(id, answer);
    return answer;
  };
}
