import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReadSourceOptions, readSource, type SourceEvent } from "./source.ts";

const run = createRunner(new Redactor());
const AUTHOR = {
  GIT_AUTHOR_NAME: "Ada Lovelace",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "GitHub",
  GIT_COMMITTER_EMAIL: "noreply@github.com",
  GIT_COMMITTER_DATE: "2026-01-02T03:04:05Z",
  GIT_CONFIG_GLOBAL: "/dev/null",
};
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder("belay-source");
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", "https://ada:s3cret@github.com/acme/shop.git");
  await mkdir(join(folder.path, "web"));
  await commit("web/app.txt", "1", "Open the shop");
});
afterEach(() => folder.remove());

async function git(...args: string[]): Promise<string> {
  return (await run("git", args, { cwd: folder.path, env: AUTHOR })).stdout.trim();
}

async function commit(file: string, text: string, message: string): Promise<string> {
  await writeFile(join(folder.path, file), text);
  await git("add", "--all");
  await git("commit", "--quiet", `--message=${message}`);
  return git("rev-parse", "HEAD");
}

function read(more: Partial<ReadSourceOptions> = {}) {
  return readSource({ workingDirectory: folder.path, env: {}, runner: run, ...more });
}

function pullRequest(headSha: string, more: Partial<SourceEvent> = {}): SourceEvent {
  const facts = { number: 7, headSha, title: "Sell hats" };
  return { headSha, ref: "refs/pull/7/merge", fork: false, pullRequest: facts, ...more };
}

describe("the source of a release", () => {
  it("is the commit that is checked out, with its author, and never a remote's password", async () => {
    const revision = await git("rev-parse", "HEAD");
    expect(await read()).toEqual({
      repository: "https://github.com/acme/shop",
      revision,
      author: "Ada Lovelace <ada@example.org>",
      title: "Open the shop",
      committedAt: "2026-01-02T03:04:05Z",
      ref: "refs/heads/main",
    });
  });

  it("names the run, and the ref of the run only when that is what is checked out", async () => {
    const revision = await git("rev-parse", "HEAD");
    const env = {
      GITHUB_REPOSITORY: "acme/store",
      GITHUB_SERVER_URL: "https://git.example.org",
      GITHUB_RUN_ID: "42",
      GITHUB_RUN_ATTEMPT: "2",
      GITHUB_SHA: revision,
      GITHUB_REF: "refs/tags/v1.0.0",
    };
    const url = "https://git.example.org/acme/store/actions/runs/42";
    const repository = "https://git.example.org/acme/store";
    expect(await read({ env })).toMatchObject({
      repository,
      ref: "refs/tags/v1.0.0",
      run: { id: "42", attempt: 2, url },
    });
    await commit("web/app.txt", "2", "Another commit");
    await git("checkout", "--quiet", "--detach");
    expect(await read({ env })).not.toHaveProperty("ref");
    await git("tag", "v2.0.0");
    expect(await read({ env })).toMatchObject({ ref: "refs/tags/v2.0.0" });
  });

  it("is the pull request's head when GitHub's merge has the same content", async () => {
    await git("checkout", "--quiet", "-b", "hats");
    const head = await commit("web/hats.txt", "1", "Sell hats (head)");
    await git("checkout", "--quiet", "--detach", "main");
    await git("merge", "--quiet", "--no-ff", "--message=Merge head into base", head);
    const env = { GITHUB_SHA: await git("rev-parse", "HEAD"), GITHUB_REF: "refs/pull/7/merge" };
    const source = await read({ event: pullRequest(head), env });
    expect(source).toMatchObject({
      revision: head,
      title: "Sell hats (head)",
      pullRequest: 7,
      ref: "refs/pull/7/merge",
    });
    expect(source).not.toHaveProperty("mergedOnto");
  });

  it("says onto what the head was merged when the content is not the head's alone", async () => {
    await git("checkout", "--quiet", "-b", "hats");
    const head = await commit("web/hats.txt", "1", "Sell hats (head)");
    await git("checkout", "--quiet", "main");
    const base = await commit("web/shoes.txt", "1", "Sell shoes");
    await git("checkout", "--quiet", "--detach");
    await git("merge", "--quiet", "--no-ff", "--message=Merge head into base", head);
    expect(await read({ event: pullRequest(head) })).toMatchObject({
      revision: head,
      mergedOnto: base,
      pullRequest: 7,
    });
    const shallow = await temporaryFolder("belay-shallow");
    await run("git", ["clone", "--quiet", "--depth=1", `file://${folder.path}`, shallow.path], { env: AUTHOR });
    const seen = await read({ event: pullRequest(head), workingDirectory: shallow.path });
    expect(seen).toMatchObject({ revision: head, mergedOnto: base, title: "Sell hats", pullRequest: 7 });
    await shallow.remove();
  });

  it("is no pull request's when its base is checked out, and takes no branch name from a fork", async () => {
    const base = await git("rev-parse", "HEAD");
    const target = pullRequest("a".repeat(40), { ref: "refs/heads/main" });
    const source = await read({ event: target, env: { GITHUB_SHA: base, GITHUB_REF: "refs/heads/main" } });
    expect(source).toMatchObject({ revision: base, ref: "refs/heads/main" });
    expect(source).not.toHaveProperty("pullRequest");
    await git("checkout", "--quiet", "--detach");
    const fork = { headSha: base, ref: "refs/heads/latest", fork: true };
    expect(await read({ event: fork })).not.toHaveProperty("ref");
  });

  it("is dirty by what git does not ignore, inside the build contexts", async () => {
    await commit(".gitignore", "*.log\n", "Ignore logs");
    await writeFile(join(folder.path, "web/debug.log"), "ignored");
    await writeFile(join(folder.path, "README"), "outside of the context");
    expect(await read({ paths: ["web"] })).not.toHaveProperty("dirty");
    expect(await read()).toMatchObject({ dirty: true });
    await writeFile(join(folder.path, "web/app.txt"), "changed");
    expect(await read({ paths: ["web"] })).toMatchObject({ dirty: true });
    await git("checkout", "--quiet", "web");
    await writeFile(join(folder.path, "web/new.txt"), "untracked");
    expect(await read({ paths: ["web"] })).toMatchObject({ dirty: true });
    expect(await read({ paths: ["no such folder"] })).not.toHaveProperty("dirty");
    expect(await read({ paths: ["/tmp"] })).toMatchObject({ dirty: true });
    expect(await read({ paths: ["no such folder"], otherPaths: ["/tmp"] })).not.toHaveProperty("dirty");
    expect(await read({ paths: ["no such folder"], otherPaths: ["/tmp", "web"] })).toMatchObject({ dirty: true });
  });
});

describe("a source that is not known", () => {
  it("is refused with the remedy", async () => {
    const empty = await temporaryFolder("belay-nowhere");
    await expect(read({ workingDirectory: empty.path })).rejects.toMatchObject({
      code: "SOURCE_UNKNOWN",
      message: expect.stringContaining("Run `actions/checkout` before this step"),
    });
    await run("git", ["init", "--quiet"], { cwd: empty.path });
    await expect(read({ workingDirectory: empty.path })).rejects.toThrow("Commit the work first");
    await empty.remove();
  });

  it("may be stated where there is no repository, and never against what is checked out", async () => {
    const empty = await temporaryFolder("belay-nowhere");
    const revision = "a".repeat(40);
    const env = { GITHUB_REPOSITORY: "acme/shop" };
    const stated = await read({ workingDirectory: empty.path, revision, env });
    expect(stated).toEqual({ repository: "https://github.com/acme/shop", revision });
    await expect(read({ revision })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(read({ revision: "main" })).rejects.toThrow("Give the full SHA");
    await empty.remove();
  });

  it("is told when git does not trust the folder", async () => {
    // git's own switch for its tests: the folder then counts as another user's.
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
    const untrusted: typeof run = (command, args, options) =>
      run(command, args, { ...options, env: { ...options?.env, ...env } });
    await expect(read({ runner: untrusted })).rejects.toThrow("git config --global --add safe.directory");
  });
});
