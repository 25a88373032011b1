import type { Api } from "./client.ts";
import { answeredStatus } from "./explain-error.ts";
import type { CommentRequest, CommentResult } from "./github.ts";
import { commentMarker } from "./render/comment-marker.ts";
import { cutMarkdown } from "./render/cut-markdown.ts";

/** GitHub's documented limit of a comment, in characters. */
export const COMMENT_LIMIT = 65_536;

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly author: string;
  readonly url: string;
}

/**
 * Leaves exactly one comment of ours, with `request.body`. A comment is ours when its author is trusted *and* its first
 * line is our marker: others can write the marker too, or make a bot quote it further down.
 */
export async function upsertStickyComment(
  api: Api,
  request: CommentRequest,
  trusted: Set<string>,
): Promise<CommentResult> {
  const marker = commentMarker(request.application, request.planOf);
  const body = `${marker}\n${cutMarkdown(api.redact(request.body), COMMENT_LIMIT - marker.length - 1)}`;
  const ours = (): Promise<Comment[]> => listOurs(api, request.pullRequest, marker, trusted);
  const [first, ...extra] = await ours();
  if (first !== undefined) {
    const updated = await update(api, first, body);
    if (updated !== undefined) {
      for (const comment of extra) await remove(api, comment.id);
      return updated;
    }
  }
  const written = async (): Promise<Comment | undefined> => (await ours()).find((one) => sameText(one.body, body));
  const created = await api.createOnce(written, () => create(api, request.pullRequest, body));
  // An App learns here who it is; its older comment, which nobody trusted before, is then found by the second look.
  trusted.add(created.author.toLowerCase());
  return await settle(api, created, await ours(), body);
}

/** Two runs may have created one each at the same time: the lowest id wins, ours goes. */
async function settle(api: Api, created: Comment, all: readonly Comment[], body: string): Promise<CommentResult> {
  const winner = all[0];
  if (winner !== undefined && winner.id < created.id) {
    const updated = await update(api, winner, body);
    if (updated !== undefined) {
      await remove(api, created.id);
      return updated;
    }
  }
  return { id: created.id, url: created.url, change: "created" };
}

/** Ours, the oldest first. */
async function listOurs(api: Api, pullRequest: number, marker: string, trusted: Set<string>): Promise<Comment[]> {
  const { octokit, repo } = api;
  const all = await octokit.paginate(octokit.rest.issues.listComments, {
    ...repo,
    issue_number: pullRequest,
    per_page: 100,
  });
  return all
    .map(readComment)
    .filter((comment) => trusted.has(comment.author.toLowerCase()) && firstLine(comment.body) === marker)
    .sort((a, b) => a.id - b.id);
}

function firstLine(body: string): string {
  return body.split(/\r?\n/, 1)[0]?.trim() ?? "";
}

interface CommentData {
  readonly id: number;
  readonly body?: string | undefined;
  readonly html_url: string;
  readonly user: { readonly login: string } | null;
}

function readComment(data: CommentData): Comment {
  return { id: data.id, body: data.body ?? "", author: data.user?.login ?? "", url: data.html_url };
}

async function create(api: Api, pullRequest: number, body: string): Promise<Comment> {
  const { data } = await api.octokit.rest.issues.createComment({ ...api.repo, issue_number: pullRequest, body });
  return readComment(data);
}

/** `undefined` when somebody removed the comment in between. */
async function update(api: Api, comment: Comment, body: string): Promise<CommentResult | undefined> {
  const { id, url } = comment;
  if (sameText(comment.body, body)) return { id, url, change: "unchanged" };
  try {
    await api.octokit.rest.issues.updateComment({ ...api.repo, comment_id: id, body });
    return { id, url, change: "updated" };
  } catch (error) {
    if (answeredStatus(error) === 404) return undefined;
    throw error;
  }
}

async function remove(api: Api, id: number): Promise<void> {
  try {
    await api.octokit.rest.issues.deleteComment({ ...api.repo, comment_id: id });
  } catch (error) {
    if (answeredStatus(error) !== 404) throw error; // somebody else removed it already
  }
}

function sameText(a: string, b: string): boolean {
  const plain = (text: string): string => text.replace(/\r\n?/g, "\n").trimEnd();
  return plain(a) === plain(b);
}
