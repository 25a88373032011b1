import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_ROLLOUT, Inputs } from "@belay/core";
import { type GitHubRig, startGitHub } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadRollbackInputs } from "../run/use-case-inputs.ts";
import { createContext } from "../testing/create-context.ts";
import { rollback, rollbackPolicy } from "./rollback.ts";

const SHA = "c".repeat(40);

let github: GitHubRig;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-rollback-"));
  github = await startGitHub({ tokens: [{ token: "ghs_test", permissions: { deployments: "write" } }] });
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

/** A rollback in a run of that event; there is no belay.yaml, so that nothing further can begin. */
async function onEvent(name: string, payload: object): Promise<unknown> {
  const path = join(folder, "event.json");
  await writeFile(path, JSON.stringify(payload));
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_REPOSITORY: github.repository,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_SHA: SHA,
    GITHUB_EVENT_NAME: name,
    GITHUB_EVENT_PATH: path,
    RUNNER_TEMP: folder,
  };
  const inputs = loadRollbackInputs(new Inputs((input) => (input === "github-token" ? "ghs_test" : undefined)));
  return rollback(createContext(folder, env), inputs).catch((error: unknown) => error);
}

const pull = (head: string) => ({
  pull_request: {
    number: 7,
    head: { sha: SHA, repo: { full_name: head } },
    base: { repo: { full_name: "acme/shop" } },
  },
});
const finished = (head: string) => ({
  workflow_run: { head_sha: SHA, head_repository: { full_name: head }, repository: { full_name: "acme/shop" } },
});

describe("a rollback for code that nobody has accepted", { timeout: 60_000 }, () => {
  it.each([
    ["pull_request_target", pull("acme/shop")],
    ["pull_request", pull("eve/shop")],
    ["workflow_run", finished("eve/shop")],
  ])("on %s is refused before anything of the target is read", async (name, payload) => {
    expect(await onEvent(name, payload)).toMatchObject({
      code: "INVALID_INPUT",
      got: expect.stringContaining(`the event ${name} comes from code that nobody has accepted yet`),
    });
    expect(github.deployments()).toEqual([]);
  });

  it.each([
    ["workflow_dispatch", {}],
    ["workflow_run", finished("acme/shop")],
  ])("is not what %s of the repository itself is", async (name, payload) => {
    expect(await onEvent(name, payload)).not.toMatchObject({ got: expect.stringContaining("nobody has accepted") });
  });
});

it("goes to the previous release when it is not told where to", () => {
  const given = (values: Record<string, string>) => loadRollbackInputs(new Inputs((name) => values[name]));
  expect(given({})).toMatchObject({ to: "previous" });
  expect(given({ to: "12", reason: "prices" })).toMatchObject({ to: "12", reason: "prices" });
});

describe("a rollback by hand that finds a deployment under way", () => {
  const rollout = { ...DEFAULT_ROLLOUT, onLocked: "refuse" } as const;
  const policyOf = (given: Record<string, string>) =>
    rollbackPolicy({ rollout }, loadRollbackInputs(new Inputs((name) => given[name])));

  it("supersedes it whatever belay.yaml says of deployments, unless its own input says otherwise", () => {
    expect(policyOf({})).toEqual({ ...rollout, onLocked: "supersede" });
    expect(policyOf({ "on-locked": "wait" })).toEqual({ ...rollout, onLocked: "wait" });
  });
});
