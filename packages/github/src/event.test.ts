import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { interpretEvent, readEvent } from "./event.ts";
import { isRecord, textAt } from "./json-path.ts";
import { runUrl } from "./run-url.ts";

/** Real payloads, collected by Octokit. */
const EXAMPLES: unknown = createRequire(import.meta.url)("@octokit/webhooks-examples");
const SHA = "a".repeat(40);
const env = { GITHUB_SHA: SHA, GITHUB_REF: "refs/heads/main", GITHUB_ACTOR: "octo" };

function examples(name: string): Record<string, unknown>[] {
  const groups: unknown[] = Array.isArray(EXAMPLES) ? EXAMPLES : [];
  const group = groups.find((one) => textAt(one, "name") === name);
  const payloads: unknown[] = isRecord(group) && Array.isArray(group.examples) ? group.examples : [];
  expect(payloads.length).toBeGreaterThan(0);
  return payloads.filter(isRecord);
}

describe("every example payload is understood", () => {
  it.each(["push", "pull_request", "workflow_dispatch", "workflow_run", "release"])("%s", (name) => {
    for (const payload of examples(name)) {
      const event = interpretEvent(name, payload, env);
      expect(event.headSha).toMatch(/^[0-9a-f]{40}$/);
      expect(event.ref).toMatch(/^refs\//);
      expect(event.actor).toBe(textAt(payload, "sender.login"));
    }
  });
});

describe("interpretEvent", () => {
  it("takes a pull request's head, not its merge commit", () => {
    for (const payload of examples("pull_request")) {
      const event = interpretEvent("pull_request", payload, env);
      expect(event.headSha).toBe(textAt(payload, "pull_request.head.sha"));
      expect(event.pullRequest).toMatchObject({ number: payload.number, title: textAt(payload, "pull_request.title") });
    }
  });

  it("takes the commit that a pushed tag points to, not the tag's own object", () => {
    const [tag, commit] = ["b".repeat(40), "c".repeat(40)];
    const payload = { ref: "refs/tags/v1", after: tag, head_commit: { id: commit } };
    expect(interpretEvent("push", payload, env)).toMatchObject({ headSha: commit, ref: "refs/tags/v1" });
    const deleted = { ref: "refs/heads/gone", after: "0".repeat(40), head_commit: null };
    expect(interpretEvent("push", deleted, env).headSha).toBe(SHA);
    for (const { after, head_commit } of examples("push")) {
      if (head_commit !== null) expect(textAt(head_commit, "id")).toBe(after);
    }
  });

  it("knows a fork by its repository, also when the fork is gone", () => {
    const [payload] = examples("pull_request");
    const pull = payload?.pull_request as Record<string, Record<string, unknown>>;
    expect(interpretEvent("pull_request", payload, env).fork).toBe(false);
    for (const repo of [{ full_name: "mallory/shop" }, null]) {
      const changed = { ...payload, pull_request: { ...pull, head: { ...pull.head, repo } } };
      expect(interpretEvent("pull_request", changed, env)).toMatchObject({ fork: true, pullRequest: { fork: true } });
    }
  });

  it("believes a workflow run's pull request only for the run's own commit", () => {
    const repository = { full_name: "acme/shop" };
    const run = { head_sha: SHA, head_branch: "topic", repository, head_repository: repository };
    const listed = (sha: string) => ({
      workflow_run: { ...run, pull_requests: [{ number: 7, head: { sha }, base: { ref: "main" } }] },
    });
    expect(interpretEvent("workflow_run", listed(SHA), env)).toMatchObject({
      ref: "refs/heads/topic",
      fork: false,
      pullRequest: { number: 7, baseRef: "main" },
    });
    expect(interpretEvent("workflow_run", listed("b".repeat(40)), env).pullRequest).toBeUndefined();
    const fork = { workflow_run: { ...run, head_repository: { full_name: "mallory/shop" } } };
    expect(interpretEvent("workflow_run", fork, env)).toMatchObject({ fork: true });
  });

  it("takes what the runner says where the payload has nothing", () => {
    expect(interpretEvent("schedule", { schedule: "0 3 * * *" }, env)).toEqual({
      name: "schedule",
      headSha: SHA,
      workflowSha: SHA,
      ref: "refs/heads/main",
      fork: false,
      actor: "octo",
    });
    const deleted = { ref: "refs/heads/gone", after: "0".repeat(40) };
    expect(interpretEvent("push", deleted, env)).toMatchObject({ headSha: SHA, ref: "refs/heads/gone" });
    expect(interpretEvent("release", { release: { tag_name: "v1" } }, env).ref).toBe("refs/tags/v1");
  });

  it.each([
    ["pull_request", {}, "has no number or head commit"],
    ["pull_request", { pull_request: { number: "7", head: { sha: SHA } } }, "has no number"],
    ["workflow_run", {}, "has no workflow_run.head_sha"],
    ["release", { release: {} }, "has no release.tag_name"],
    ["push", { after: "$(rm -rf /)" }, "names no commit"],
    ["push", "text", "no JSON object"],
  ])("refuses %s %j", (name, payload, words) => {
    expect(() => interpretEvent(name, payload, env)).toThrow(words);
  });
});

describe("readEvent", () => {
  it("reads the file, and names it when it can't", async () => {
    const folder = await mkdtemp(join(tmpdir(), "belay-event-"));
    const path = join(folder, "event.json");
    await writeFile(path, JSON.stringify({ ref: "refs/heads/x", after: SHA }));
    expect(await readEvent({ ...env, GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: path })).toMatchObject({
      ref: "refs/heads/x",
    });
    await writeFile(path, "{");
    await expect(readEvent({ ...env, GITHUB_EVENT_NAME: "push", GITHUB_EVENT_PATH: path })).rejects.toThrow(path);
    await rm(folder, { recursive: true });
    expect(await readEvent({ ...env, GITHUB_EVENT_NAME: "schedule" })).toMatchObject({ headSha: SHA });
  });
});

describe("runUrl", () => {
  it("names the attempt from the second on", () => {
    const runner = { GITHUB_SERVER_URL: "https://github.com/", GITHUB_REPOSITORY: "acme/shop", GITHUB_RUN_ID: "42" };
    expect(runUrl(runner)).toBe("https://github.com/acme/shop/actions/runs/42");
    expect(runUrl({ ...runner, GITHUB_RUN_ATTEMPT: "1" })).toBe("https://github.com/acme/shop/actions/runs/42");
    expect(runUrl({ ...runner, GITHUB_RUN_ATTEMPT: "3" })).toBe(
      "https://github.com/acme/shop/actions/runs/42/attempts/3",
    );
    expect(runUrl({})).toBeUndefined();
  });
});
