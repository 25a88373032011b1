import type { Api } from "./client.ts";
import { type PullRequest, readPullRequest } from "./event.ts";
import { textAt } from "./json-path.ts";

/** The pull request of a commit, by the API: an open one whose head it is, then any open one, then the newest. */
export async function pullRequestOf(api: Api, commit: string): Promise<PullRequest | undefined> {
  const { octokit, repo } = api;
  const listed = await octokit.paginate(octokit.rest.repos.listPullRequestsAssociatedWithCommit, {
    ...repo,
    commit_sha: commit,
    per_page: 100,
  });
  const here = `${repo.owner}/${repo.repo}`.toLowerCase();
  const candidates = listed
    .filter((entry) => textAt(entry, "base.repo.full_name")?.toLowerCase() === here)
    .map((entry) => ({ open: entry.state === "open", pullRequest: readPullRequest(entry) }));
  const rank = (open: boolean, one: PullRequest): number => (open ? 2 : 0) + (one.headSha === commit ? 1 : 0);
  return candidates
    .flatMap(({ open, pullRequest }) =>
      pullRequest === undefined ? [] : [{ rank: rank(open, pullRequest), pullRequest }],
    )
    .sort((a, b) => b.rank - a.rank || b.pullRequest.number - a.pullRequest.number)[0]?.pullRequest;
}
