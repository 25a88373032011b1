import { type Answer, type Call, found, ok, Refusal, type Route } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import type { CommitSeed, PullSeed } from "./state.ts";
import { userParts, viewCommit, viewPull } from "./views.ts";

/** The repository, its commits, pull requests, refs and releases, and who asks. */
export const REPOSITORY_ROUTES: Readonly<Record<string, Route>> = {
  "repos/get": (call) => {
    const [owner = "", name = ""] = call.state.repository.split("/");
    const parts = { name, full_name: call.state.repository, owner: userParts(owner), default_branch: "main" };
    return ok(call.fill("full-repository", parts));
  },
  "users/get-authenticated": (call) => {
    if (call.token.kind !== "user") throw new Refusal(403, "Resource not accessible by integration");
    return ok(call.fill("public-user", userParts(call.login)));
  },
  "repos/get-commit": (call) => ok(viewCommit(call, commitOf(call, call.parameters.ref ?? ""))),
  "repos/list-pull-requests-associated-with-commit": (call) => {
    const { sha } = commitOf(call, call.parameters.commit_sha ?? "");
    const pulls = [...call.state.pulls.values()].filter((one) => one.headSha === sha || one.commits?.includes(sha));
    return { list: pulls.map((one) => viewPull(call, one, "pull-request-simple")) };
  },
  "repos/compare-commits-with-basehead": compareCommits,
  "pulls/get": (call) =>
    ok(viewPull(call, found(call.state.pulls.get(Number(call.parameters.pull_number))), "pull-request")),
  "pulls/list": (call) => {
    const state = call.query.get("state") ?? "open";
    const head = call.query.get("head");
    const matches = (one: PullSeed): boolean =>
      (state === "all" || (one.state ?? "open") === state) && (head === null || head.endsWith(`:${one.headRef ?? ""}`));
    const all = [...call.state.pulls.values()].filter(matches).sort((a, b) => b.number - a.number);
    return { list: all.map((one) => viewPull(call, one, "pull-request-simple")) };
  },
  "git/get-ref": (call) => {
    const ref = `refs/${call.parameters.ref}`;
    const sha = found(call.state.refs.get(ref));
    const url = `https://api.github.com/repos/${call.state.repository}/git/commits/${sha}`;
    return ok(call.fill("git-ref", { ref, object: { type: "commit", sha, url } }));
  },
  "repos/list-releases": (call) => ({ list: call.state.releases.map((one) => viewRelease(call, one.tag)).reverse() }),
  "repos/get-release-by-tag": (call) => {
    const release = call.state.releases.find((one) => one.tag === call.parameters.tag && one.draft !== true);
    return ok(viewRelease(call, found(release).tag));
  },
};

function viewRelease(call: Call, tag: string): JsonObject {
  const release = found(call.state.releases.find((one) => one.tag === tag));
  return call.fill("release", {
    id: call.state.releases.indexOf(release) + 1,
    tag_name: tag,
    name: release.name ?? tag,
    body: release.body ?? "",
    draft: release.draft ?? false,
    html_url: `${call.state.serverUrl}/${call.state.repository}/releases/tag/${tag}`,
  });
}

/** By branch, tag, full SHA or its beginning; what is no commit is 422, as on GitHub. */
function commitOf(call: Call, ref: string): CommitSeed {
  const sha =
    call.state.resolve(ref) ?? [...call.state.commits.keys()].find((one) => ref.length >= 7 && one.startsWith(ref));
  const commit = sha === undefined ? undefined : call.state.commits.get(sha);
  if (commit === undefined) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return commit;
}

function compareCommits(call: Call): Answer {
  const [baseName = "", headName = ""] = (call.parameters.basehead ?? "").split("...");
  const base = found(call.state.commits.get(call.state.resolve(baseName) ?? ""));
  const head = found(call.state.commits.get(call.state.resolve(headName) ?? ""));
  const inBase = ancestry(call, base);
  const inHead = ancestry(call, head);
  const ahead = inHead.filter((one) => !inBase.includes(one));
  const behind = inBase.filter((one) => !inHead.includes(one));
  const common = inHead.find((one) => inBase.includes(one)) ?? base;
  const status =
    ahead.length > 0 ? (behind.length > 0 ? "diverged" : "ahead") : behind.length > 0 ? "behind" : "identical";
  return ok(
    call.fill("commit-comparison", {
      status,
      ahead_by: ahead.length,
      behind_by: behind.length,
      total_commits: ahead.length,
      base_commit: viewCommit(call, base),
      merge_base_commit: viewCommit(call, common),
      commits: [...ahead].reverse().map((one) => viewCommit(call, one)),
      files: [],
    }),
  );
}

/** The commit and all that it stands on, nearest first. */
function ancestry(call: Call, from: CommitSeed): CommitSeed[] {
  const seen = new Set<CommitSeed>([from]);
  for (const commit of seen) {
    for (const parent of commit.parents ?? []) {
      const next = call.state.commits.get(parent);
      if (next !== undefined) seen.add(next);
    }
  }
  return [...seen];
}
