import { Refusal } from "./answer.ts";
import type { Level, PermissionName, TokenSeed } from "./state.ts";

/** What an operation needs: any one of these permissions, at this level ("Permissions required for GitHub Apps"). */
interface Need {
  readonly any: readonly PermissionName[];
  readonly level: "read" | "write";
}

const COMMENT_READ: Need = { any: ["issues", "pull-requests"], level: "read" };
const COMMENT_WRITE: Need = { any: ["issues", "pull-requests"], level: "write" };
const need = (name: PermissionName, level: "read" | "write"): Need => ({ any: [name], level });

const NEEDS: Readonly<Record<string, Need>> = {
  "issues/list-comments": COMMENT_READ,
  "issues/get-comment": COMMENT_READ,
  "issues/create-comment": COMMENT_WRITE,
  "issues/update-comment": COMMENT_WRITE,
  "issues/delete-comment": COMMENT_WRITE,
  "repos/list-deployments": need("deployments", "read"),
  "repos/get-deployment": need("deployments", "read"),
  "repos/create-deployment": need("deployments", "write"),
  "repos/delete-deployment": need("deployments", "write"),
  "repos/list-deployment-statuses": need("deployments", "read"),
  "repos/create-deployment-status": need("deployments", "write"),
  "repos/list-pull-requests-associated-with-commit": need("pull-requests", "read"),
  "pulls/list": need("pull-requests", "read"),
  "pulls/get": need("pull-requests", "read"),
  "checks/create": need("checks", "write"),
  "checks/update": need("checks", "write"),
  "checks/get": need("checks", "read"),
  "checks/list-for-ref": need("checks", "read"),
  "actions/list-workflow-runs-for-repo": need("actions", "read"),
  "actions/get-workflow-run": need("actions", "read"),
  "actions/list-jobs-for-workflow-run": need("actions", "read"),
  "actions/list-jobs-for-workflow-run-attempt": need("actions", "read"),
  "actions/get-job-for-workflow-run": need("actions", "read"),
  "actions/list-workflow-run-artifacts": need("actions", "read"),
  "actions/download-artifact": need("actions", "read"),
  "code-scanning/upload-sarif": need("security-events", "write"),
  "dependency-graph/create-repository-snapshot": need("contents", "write"),
  "repos/list-attestations": need("attestations", "read"),
  "packages/get-all-package-versions-for-package-owned-by-org": need("packages", "read"),
  "packages/get-all-package-versions-for-package-owned-by-user": need("packages", "read"),
  "packages/get-package-version-for-organization": need("packages", "read"),
  "packages/get-package-version-for-user": need("packages", "read"),
  "packages/delete-package-version-for-org": need("packages", "write"),
  "packages/delete-package-version-for-user": need("packages", "write"),
  "users/get-by-username": need("metadata", "read"),
  "repos/get": need("metadata", "read"),
  "users/get-authenticated": need("metadata", "read"),
};
/** Commits, comparisons, refs, releases. */
const OTHERWISE: Need = need("contents", "read");

const RANK: Readonly<Record<Level, number>> = { none: 0, read: 1, write: 2 };

/** The token of an `Authorization` header, or a 401 as GitHub words it. */
export function authenticate(header: string | undefined, tokens: ReadonlyMap<string, TokenSeed>): TokenSeed {
  const given = /^(?:token|bearer)\s+(\S+)$/i.exec(header ?? "")?.[1];
  if (given === undefined) throw new Refusal(401, "Requires authentication");
  const token = tokens.get(given);
  if (token === undefined) throw new Refusal(401, "Bad credentials");
  return token;
}

/** @throws Refusal 403 when the token lacks what the operation needs. */
export function authorise(token: TokenSeed, operation: string): void {
  const wanted = NEEDS[operation] ?? OTHERWISE;
  if (wanted.any.some((name) => RANK[levelOf(token, name)] >= RANK[wanted.level])) return;
  const what = token.kind === "user" ? "personal access token" : "integration";
  throw new Refusal(403, `Resource not accessible by ${what}`);
}

function levelOf(token: TokenSeed, name: PermissionName): Level {
  const level = token.permissions[name] ?? (name === "metadata" ? "read" : "none");
  return token.fork === true && level === "write" ? "read" : level;
}

export function loginOf(token: TokenSeed): string {
  return token.login ?? (token.kind === "user" ? "ada" : "github-actions[bot]");
}
