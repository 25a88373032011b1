import { type Answer, type Call, created, found, invalid, ok, type Route, textOf } from "./answer.ts";
import type { SimComment } from "./state.ts";
import { viewComment } from "./views.ts";

/** What GitHub says; what it stores ends at 262,144 bytes. Both are held here, the stricter one counts. */
const MOST_CHARACTERS = 65_536;
const MOST_BYTES = 262_144;

/** Comments on issues and pull requests ("Issue comments" of the REST API). */
export const COMMENT_ROUTES: Readonly<Record<string, Route>> = {
  "issues/list-comments": (call) => {
    const number = pullNumber(call);
    const since = call.query.get("since") ?? "";
    const all = [...call.state.comments.values()].filter((one) => one.pullRequest === number && one.updatedAt >= since);
    return { list: all.sort((a, b) => a.id - b.id).map((one) => viewComment(call, one)) };
  },
  "issues/create-comment": createComment,
  "issues/get-comment": (call) => ok(viewComment(call, commentOf(call))),
  "issues/update-comment": (call) => {
    const comment = commentOf(call);
    comment.body = checkedBody(call);
    comment.updatedAt = call.state.timestamp();
    return ok(viewComment(call, comment));
  },
  "issues/delete-comment": (call) => {
    call.state.comments.delete(commentOf(call).id);
    return { status: 204 };
  },
};

function createComment(call: Call): Answer {
  const { state } = call;
  const at = state.timestamp();
  const comment: SimComment = {
    id: state.nextId(),
    pullRequest: pullNumber(call),
    author: call.login,
    body: checkedBody(call),
    createdAt: at,
    updatedAt: at,
  };
  state.comments.set(comment.id, comment);
  return created(viewComment(call, comment));
}

function pullNumber(call: Call): number {
  return found(call.state.pulls.get(Number(call.parameters.issue_number))).number;
}

function commentOf(call: Call): SimComment {
  return found(call.state.comments.get(Number(call.parameters.comment_id)));
}

function checkedBody(call: Call): string {
  const body = textOf(call.body, "body") ?? "";
  if (body.trim() === "") throw invalid("IssueComment", "body", "body cannot be blank");
  if ([...body].length > MOST_CHARACTERS || Buffer.byteLength(body) > MOST_BYTES) {
    throw invalid("IssueComment", "body", "body is too long (maximum is 65536 characters)");
  }
  return body;
}
