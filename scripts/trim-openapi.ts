import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Cuts GitHub's OpenAPI description (13 MB) down to the operations that the simulator speaks, with the components they
 * refer to and without prose. Run it again after an update of `@octokit/openapi`: `node scripts/trim-openapi.ts`.
 */
export const OPERATIONS: readonly string[] = [
  "issues/list-comments",
  "issues/create-comment",
  "issues/get-comment",
  "issues/update-comment",
  "issues/delete-comment",
  "repos/list-deployments",
  "repos/create-deployment",
  "repos/get-deployment",
  "repos/delete-deployment",
  "repos/list-deployment-statuses",
  "repos/create-deployment-status",
  "repos/get-commit",
  "repos/list-pull-requests-associated-with-commit",
  "repos/compare-commits-with-basehead",
  "pulls/list",
  "pulls/get",
  "checks/create",
  "checks/update",
  "checks/get",
  "checks/list-for-ref",
  "actions/list-workflow-runs-for-repo",
  "actions/get-workflow-run",
  "actions/list-jobs-for-workflow-run",
  "actions/list-jobs-for-workflow-run-attempt",
  "actions/get-job-for-workflow-run",
  "actions/list-workflow-run-artifacts",
  "actions/download-artifact",
  "repos/get",
  "repos/list-releases",
  "repos/get-release-by-tag",
  "git/get-ref",
  "users/get-authenticated",
  "code-scanning/upload-sarif",
  "dependency-graph/create-repository-snapshot",
  "repos/list-attestations",
  "users/get-by-username",
  "packages/get-all-package-versions-for-package-owned-by-org",
  "packages/get-all-package-versions-for-package-owned-by-user",
  "packages/get-package-version-for-organization",
  "packages/get-package-version-for-user",
  "packages/delete-package-version-for-org",
  "packages/delete-package-version-for-user",
];

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const METHODS = ["get", "post", "put", "patch", "delete"];
/** Prose, examples and GitHub's own remarks: half of the size, and nothing that is checked. */
const DROPPED = new Set([
  "description",
  "summary",
  "example",
  "examples",
  "externalDocs",
  "tags",
  "x-github",
  "x-multi-segment",
]);

export function trimOpenApi(full: JsonObject, operations: readonly string[]): JsonObject {
  const paths = trimPaths(objectAt(full, "paths"), new Set(operations));
  const components: JsonObject = {};
  const open = referencesIn(paths);
  for (let pointer = open.pop(); pointer !== undefined; pointer = open.pop()) {
    const [, , kind = "", name = ""] = pointer.split("/");
    const group = (components[kind] ?? {}) as JsonObject;
    components[kind] = group;
    if (name in group) continue;
    group[name] = strip(objectAt(objectAt(objectAt(full, "components"), kind), name));
    open.push(...referencesIn(group[name]));
  }
  return { openapi: full.openapi ?? "3.0.3", info: strip(full.info ?? null), paths, components: sorted(components) };
}

function trimPaths(paths: JsonObject, wanted: Set<string>): JsonObject {
  const kept: JsonObject = {};
  for (const [path, item] of Object.entries(paths)) {
    const chosen = Object.entries(item as JsonObject).filter(([method, operation]) => {
      return METHODS.includes(method) && wanted.has(String((operation as JsonObject).operationId));
    });
    if (chosen.length > 0) kept[path] = strip(Object.fromEntries(chosen));
  }
  return kept;
}

/** Inside `properties` the keys are names of data and stay, whatever they are called. */
function strip(value: Json, names = false): Json {
  if (Array.isArray(value)) return value.map((inner) => strip(inner));
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key]) => names || !DROPPED.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, strip(inner, !names && key === "properties")]));
}

function referencesIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (value === null || typeof value !== "object") return [];
  const own = typeof value.$ref === "string" ? [value.$ref] : [];
  return [...own, ...Object.values(value).flatMap(referencesIn)];
}

function sorted(groups: JsonObject): JsonObject {
  const byName = (object: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
  return byName(Object.fromEntries(Object.entries(groups).map(([kind, group]) => [kind, byName(group as JsonObject)])));
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const found = object[key];
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new Error(`no object at ${key}`);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const description = createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json");
  const trimmed = trimOpenApi(JSON.parse(readFileSync(description, "utf8")) as JsonObject, OPERATIONS);
  const target = join(root, "packages/testkit/src/github/openapi.json");
  writeFileSync(target, `${JSON.stringify(trimmed, null, 1)}\n`);
  const count = Object.values(objectAt(trimmed, "paths")).reduce<number>(
    (sum, item) => sum + Object.keys(item as JsonObject).length,
    0,
  );
  process.stdout.write(`${count} of ${OPERATIONS.length} operations written to ${target}\n`);
}
