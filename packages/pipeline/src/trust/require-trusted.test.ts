import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GitHubRig, startGitHub } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { githubOf } from "../run/github-of.ts";
import { createContext } from "../testing/create-context.ts";
import { requireTrusted, type TrustedWork } from "./require-trusted.ts";

const OLD = "a".repeat(40);
const MAIN = "b".repeat(40);
const TOPIC = "c".repeat(40);
const DEPLOY: TrustedWork = { doing: "deploying" };
const PUSH: TrustedWork = { doing: "pushing", withoutSecrets: true };
const BUILD: TrustedWork = { doing: "building", checkedOut: true, withoutSecrets: true };

let github: GitHubRig;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-trusted-"));
  github = await startGitHub({ tokens: [{ token: "ghs_test", permissions: { contents: "read" } }] });
  github.addCommit({ sha: OLD });
  github.addCommit({ sha: MAIN, parents: [OLD] });
  github.addCommit({ sha: TOPIC, parents: [MAIN] });
  github.setRef("refs/heads/main", MAIN);
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

async function attempt(name: string, payload: object, work: TrustedWork): Promise<unknown> {
  const path = join(folder, "event.json");
  await writeFile(path, JSON.stringify(payload));
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_SHA: MAIN,
    GITHUB_EVENT_NAME: name,
    GITHUB_EVENT_PATH: path,
  };
  const run = await githubOf(createContext(folder, env), { githubToken: "ghs_test", overrides: {} });
  return requireTrusted(run, work).catch((error: unknown) => error);
}

const pull = (head: string, sha = TOPIC) => ({
  pull_request: { number: 7, head: { sha, repo: { full_name: head } }, base: { repo: { full_name: "acme/shop" } } },
});
const finished = (head: string, sha: string) => ({
  workflow_run: { head_sha: sha, head_repository: { full_name: head }, repository: { full_name: "acme/shop" } },
});

describe("code that nobody has accepted", { timeout: 60_000 }, () => {
  it.each<[string, string, object, TrustedWork]>([
    [
      "a pull request's head on pull_request_target",
      "pull_request_target",
      pull("eve/shop"),
      { ...BUILD, source: { revision: TOPIC } },
    ],
    [
      "the same of a branch of the repository",
      "pull_request_target",
      pull("acme/shop"),
      { ...BUILD, source: { revision: TOPIC } },
    ],
    [
      "files laid over an accepted commit",
      "pull_request_target",
      pull("eve/shop"),
      { ...BUILD, source: { revision: MAIN, dirty: true } },
    ],
    [
      "a fork's pull request on its way to a target",
      "pull_request",
      pull("eve/shop"),
      { ...DEPLOY, source: { revision: TOPIC } },
    ],
    [
      "a release of a fork's run that is to be pushed as one of an accepted commit",
      "workflow_run",
      finished("eve/shop", TOPIC),
      { ...PUSH, source: { revision: MAIN } },
    ],
    ["a rollback for a pull request", "pull_request_target", pull("eve/shop"), { doing: "rolling back" }],
    [
      "a fork's commit after its run",
      "workflow_run",
      finished("eve/shop", TOPIC),
      { ...BUILD, source: { revision: TOPIC } },
    ],
    [
      "a release of a fork's run that says it is of an accepted commit",
      "workflow_run",
      finished("eve/shop", TOPIC),
      { ...DEPLOY, source: { revision: MAIN } },
    ],
    [
      "a commit that GitHub does not know",
      "pull_request_target",
      pull("eve/shop"),
      { ...BUILD, source: { revision: "d".repeat(40) } },
    ],
  ])("is %s", async (_name, event, payload, work) => {
    const error = await attempt(event, payload, work);
    expect(error).toMatchObject({ code: "INVALID_INPUT", doing: work.doing });
    expect(error).toHaveProperty("got", expect.stringContaining("nobody has accepted"));
    expect(github.violations).toEqual([]);
  });

  it.each<[string, string, object, TrustedWork]>([
    [
      "the base on pull_request_target",
      "pull_request_target",
      pull("eve/shop"),
      { ...BUILD, source: { revision: MAIN } },
    ],
    ["what the base stands on", "pull_request_target", pull("eve/shop"), { ...DEPLOY, source: { revision: OLD } }],
    ["a merged pull request", "pull_request_target", pull("eve/shop", MAIN), { doing: "rolling back" }],
    [
      "the default branch, built after a fork's run",
      "workflow_run",
      finished("eve/shop", TOPIC),
      { ...BUILD, source: { revision: MAIN } },
    ],
    [
      "an accepted commit of a fork's run",
      "workflow_run",
      finished("eve/shop", MAIN),
      { ...DEPLOY, source: { revision: MAIN } },
    ],
  ])("is not %s", async (_name, event, payload, work) => {
    expect(await attempt(event, payload, work)).toBeUndefined();
    expect(github.violations).toEqual([]);
  });

  it.each<[string, object, TrustedWork]>([
    ["push", { after: TOPIC }, { ...DEPLOY, source: { revision: TOPIC } }],
    ["workflow_dispatch", {}, DEPLOY],
    ["pull_request", pull("acme/shop"), { ...DEPLOY, source: { revision: TOPIC } }],
    ["pull_request", pull("eve/shop"), { ...BUILD, source: { revision: TOPIC } }],
    ["pull_request", pull("eve/shop"), { ...PUSH, source: { revision: TOPIC } }],
    ["workflow_run", finished("acme/shop", TOPIC), { ...DEPLOY, source: { revision: TOPIC } }],
  ])("is nothing that is asked for on %s", async (event, payload, work) => {
    expect(await attempt(event, payload, work)).toBeUndefined();
    expect(github.requests).toEqual([]);
  });
});
