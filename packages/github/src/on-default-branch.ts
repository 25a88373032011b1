import type { Api } from "./client.ts";

/**
 * Whether the default branch contains the commit. GitHub knows a fork's commits by the same name as the repository's own,
 * so that a commit which merely exists says nothing. Source: REST API, "Get a repository", "Compare two commits".
 */
export async function isOnDefaultBranch({ octokit, repo }: Api, commit: string): Promise<boolean> {
  const { data: repository } = await octokit.rest.repos.get(repo);
  const basehead = `${repository.default_branch}...${commit}`;
  const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...repo, basehead, per_page: 1 });
  return data.status === "identical" || data.status === "behind";
}
