import type { Api } from "./client.ts";
import { answeredStatus } from "./explain-error.ts";

/** Author of everything that a workflow's own `GITHUB_TOKEN` writes. */
const ACTIONS_BOT = "github-actions[bot]";

/**
 * Logins (lower case) whose comments with our marker are taken for our own: the user of a personal token, else
 * `github-actions[bot]`, since `GET /user` answers 403 to every installation token; and the input `comment-author`.
 * An App of the user's own learns its login when it writes: see sticky-comment.ts.
 */
export async function trustedAuthors(api: Api, token: string, commentAuthor?: string): Promise<Set<string>> {
  const trusted = new Set<string>();
  if (commentAuthor !== undefined && commentAuthor !== "") trusted.add(commentAuthor.toLowerCase());
  trusted.add((await viewer(api, token)).toLowerCase());
  return trusted;
}

async function viewer(api: Api, token: string): Promise<string> {
  // `ghs_` is the prefix of installation tokens: the question would be answered 403, so it is not asked.
  if (token.startsWith("ghs_")) return ACTIONS_BOT;
  try {
    return (await api.octokit.rest.users.getAuthenticated()).data.login;
  } catch (error) {
    const status = answeredStatus(error);
    if (status === 403 || status === 404) return ACTIONS_BOT;
    throw error;
  }
}
