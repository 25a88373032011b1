import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubRig, startGitHub } from "./index.ts";
import { isObject, type JsonObject } from "./json.ts";

const HEAD = "a".repeat(40);
const BASE = "b".repeat(40);

let rig: GitHubRig;

beforeEach(async () => {
  rig = await startGitHub({
    tokens: [
      {
        token: "writer",
        permissions: {
          "pull-requests": "write",
          deployments: "write",
          contents: "read",
          checks: "write",
          actions: "read",
        },
      },
      { token: "reader", permissions: { "pull-requests": "read", deployments: "read" } },
      { token: "fork", permissions: { "pull-requests": "write" }, fork: true },
      { token: "person", kind: "user", login: "grace", permissions: { contents: "read" } },
    ],
  });
  rig.addCommit({ sha: BASE, message: "First" });
  rig.addCommit({
    sha: HEAD,
    message: "Second",
    parents: [BASE],
    author: { name: "Ada", email: "ada@example.org", login: "ada" },
  });
  rig.setRef("refs/heads/main", BASE);
  rig.setRef("refs/heads/topic", HEAD);
  rig.addPull({ number: 7, headSha: HEAD, headRef: "topic", title: "Better shop" });
  rig.addRun({ id: 42, headSha: HEAD, jobs: [{ id: 4201, name: "deploy" }] });
  rig.addRelease({ tag: "v1" });
});

afterEach(async () => {
  expect(rig.violations).toEqual([]);
  await rig.close();
});

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
  readonly items: readonly JsonObject[];
}

async function ask(path: string, options: { method?: string; token?: string; body?: JsonObject } = {}): Promise<Got> {
  const response = await fetch(path.startsWith("http") ? path : `${rig.apiUrl}${path}`, {
    method: options.method ?? "GET",
    headers: { authorization: `token ${options.token ?? "writer"}`, "content-type": "application/json" },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const value: unknown = text === "" ? {} : JSON.parse(text);
  return {
    status: response.status,
    headers: response.headers,
    body: isObject(value) ? value : {},
    items: Array.isArray(value) ? value : [],
  };
}

const post = (path: string, body: JsonObject): Promise<Got> => ask(`/repos/acme/shop${path}`, { method: "POST", body });

describe("every operation answers as described", () => {
  const reads = [
    "/repos/acme/shop",
    "/repos/acme/shop/issues/7/comments",
    `/repos/acme/shop/commits/${HEAD}`,
    "/repos/acme/shop/commits/topic",
    `/repos/acme/shop/commits/${HEAD}/pulls`,
    `/repos/acme/shop/commits/${HEAD}/check-runs`,
    "/repos/acme/shop/compare/main...topic",
    "/repos/acme/shop/pulls",
    "/repos/acme/shop/pulls/7",
    "/repos/acme/shop/deployments",
    "/repos/acme/shop/actions/runs",
    "/repos/acme/shop/actions/runs/42",
    "/repos/acme/shop/actions/runs/42/jobs",
    "/repos/acme/shop/actions/runs/42/attempts/1/jobs",
    "/repos/acme/shop/actions/jobs/4201",
    "/repos/acme/shop/releases",
    "/repos/acme/shop/releases/tags/v1",
    "/repos/acme/shop/git/ref/heads/topic",
  ];
  it.each(reads)("GET %s", async (path) => {
    expect((await ask(path)).status).toBe(200);
  });

  it("comments: create, read, update, delete", async () => {
    const made = await post("/issues/7/comments", { body: "hello" });
    expect(made).toMatchObject({ status: 201, body: { body: "hello", user: { login: "github-actions[bot]" } } });
    const path = `/repos/acme/shop/issues/comments/${made.body.id}`;
    expect((await ask(path)).body.body).toBe("hello");
    expect((await ask(path, { method: "PATCH", body: { body: "bye" } })).body.body).toBe("bye");
    expect((await ask(path, { method: "DELETE" })).status).toBe(204);
    expect((await ask(path)).status).toBe(404);
  });

  it("check runs: create, update, read", async () => {
    const made = await post("/check-runs", { name: "belay", head_sha: HEAD, status: "in_progress" });
    expect(made.status).toBe(201);
    const path = `/repos/acme/shop/check-runs/${made.body.id}`;
    const ended = await ask(path, {
      method: "PATCH",
      body: { conclusion: "success", output: { title: "Fine", summary: "All" } },
    });
    expect(ended.body).toMatchObject({ status: "completed", conclusion: "success" });
    expect((await ask(path)).body).toMatchObject({ name: "belay", output: { title: "Fine" } });
  });

  it("compares commits", async () => {
    expect((await ask("/repos/acme/shop/compare/main...topic")).body).toMatchObject({
      status: "ahead",
      ahead_by: 1,
      behind_by: 0,
    });
  });

  it("refuses requests that are not described", async () => {
    expect((await post("/issues/7/comments", { text: "hello" })).status).toBe(422);
    expect((await ask("/repos/acme/shop/deployments?colour=red")).status).toBe(422);
    expect((await ask("/repos/acme/shop/nothing")).status).toBe(404);
    expect((await ask("/repos/acme/other")).status).toBe(404);
  });
});

describe("lists", () => {
  it("are cut into pages with a Link header", async () => {
    for (let number = 1; number <= 250; number++) rig.addComment(7, "ada", `comment ${number}`);
    const first = await ask("/repos/acme/shop/issues/7/comments?per_page=100");
    expect(first.items).toHaveLength(100);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await ask(next);
    expect(second.items[0]).toMatchObject({ body: "comment 101" });
    expect(second.headers.get("link")).toContain('rel="first"');
    const third = await ask("/repos/acme/shop/issues/7/comments?per_page=100&page=3");
    expect(third.items).toHaveLength(50);
    expect(third.headers.get("link")).not.toContain('rel="next"');
  });
});

describe("tokens", () => {
  it("are 401 when unknown, and have exactly their permissions", async () => {
    expect((await ask("/repos/acme/shop", { token: "nobody" })).body.message).toBe("Bad credentials");
    const write = { method: "POST", body: { body: "x" } };
    expect(await ask("/repos/acme/shop/issues/7/comments", { ...write, token: "reader" })).toMatchObject({
      status: 403,
      body: { message: "Resource not accessible by integration" },
    });
    expect((await ask("/repos/acme/shop/issues/7/comments", { ...write, token: "fork" })).status).toBe(403);
    expect((await ask("/repos/acme/shop/issues/7/comments", { token: "fork" })).status).toBe(200);
    expect((await ask(`/repos/acme/shop/commits/${HEAD}`, { token: "reader" })).status).toBe(403);
  });

  it("of a person say who they are; an installation's can't", async () => {
    expect((await ask("/user", { token: "person" })).body.login).toBe("grace");
    expect((await ask("/user")).status).toBe(403);
  });
});

describe("GitHub deployments", () => {
  it("want every status of the commit to be good unless told otherwise", async () => {
    rig.addCommit({ sha: HEAD, statuses: { ci: "pending" } });
    expect(await post("/deployments", { ref: HEAD })).toMatchObject({ status: 409 });
    expect((await post("/deployments", { ref: HEAD, required_contexts: [] })).status).toBe(201);
  });

  it("merge the default branch unless told otherwise", async () => {
    rig.addCommit({ sha: HEAD, behind: true });
    expect((await post("/deployments", { ref: HEAD })).status).toBe(202);
    rig.addCommit({ sha: HEAD, behind: "conflict" });
    expect((await post("/deployments", { ref: HEAD })).status).toBe(409);
    expect(rig.deployments()).toHaveLength(0);
    expect((await post("/deployments", { ref: HEAD, auto_merge: false })).status).toBe(201);
  });

  it("end earlier successful ones of the environment when one succeeds, but neither transient nor production ones", async () => {
    const ids: number[] = [];
    for (const extra of [{}, { transient_environment: true }, { production_environment: true }, {}]) {
      const made = await post("/deployments", { ref: HEAD, environment: "staging", payload: { a: 1 }, ...extra });
      ids.push(Number(made.body.id));
      await post(`/deployments/${made.body.id}/statuses`, { state: "success" });
    }
    const newest = rig.deployments().map((one) => one.statuses.at(-1)?.state);
    expect(newest).toEqual(["inactive", "success", "success", "success"]);
    const listed = await ask(`/repos/acme/shop/deployments/${ids[0]}/statuses`);
    expect(listed.items.map((one) => one.state)).toEqual(["inactive", "success"]);
    expect((await ask(`/repos/acme/shop/deployments/${ids[1]}`, { method: "DELETE" })).status).toBe(422);
    expect((await ask(`/repos/acme/shop/deployments/${ids[0]}`, { method: "DELETE" })).status).toBe(204);
  });

  it("refuse a description over 140 characters and an unknown ref", async () => {
    const made = await post("/deployments", { ref: HEAD });
    const path = `/deployments/${made.body.id}/statuses`;
    expect((await post(path, { state: "success", description: "x".repeat(140) })).status).toBe(201);
    expect((await post(path, { state: "success", description: "x".repeat(141) })).status).toBe(422);
    expect((await post(path, { state: "done" })).status).toBe(422);
    expect((await post("/deployments", { ref: "nowhere" })).status).toBe(422);
  });
});

describe("limits and faults", () => {
  it("refuse a comment over 65,536 characters", async () => {
    expect((await post("/issues/7/comments", { body: "é".repeat(65_536) })).status).toBe(201);
    expect((await post("/issues/7/comments", { body: "x".repeat(65_537) })).status).toBe(422);
  });

  it("count requests per token", async () => {
    const small = await startGitHub({ rateLimit: 2, tokens: [{ token: "writer", permissions: {} }] });
    const statuses = [];
    for (let number = 0; number < 3; number++) statuses.push((await ask(`${small.apiUrl}/repos/acme/shop`)).status);
    expect(statuses).toEqual([200, 200, 403]);
    await small.close();
  });

  it("come as asked, so often as asked", async () => {
    rig.fail({ fault: { status: 502 }, path: /deployments/, times: 1, after: 1 });
    const statuses = [];
    for (let number = 0; number < 3; number++) statuses.push((await ask("/repos/acme/shop/deployments")).status);
    expect(statuses).toEqual([200, 502, 200]);
    rig.fail({ fault: { secondaryLimit: true, retryAfterSeconds: 3 }, times: 1 });
    const limited = await ask("/repos/acme/shop");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([403, "3"]);
    rig.fail({ fault: { rateLimit: true, resetSeconds: 60 }, times: 1 });
    expect((await ask("/repos/acme/shop")).headers.get("x-ratelimit-remaining")).toBe("0");
  });

  it("cut the connection before or after the work was done", async () => {
    rig.fail({ fault: { cut: "before" }, times: 1 });
    await expect(post("/issues/7/comments", { body: "one" })).rejects.toThrow("fetch failed");
    expect(rig.comments(7)).toHaveLength(0);
    rig.fail({ fault: { cut: "after" }, times: 1 });
    await expect(post("/issues/7/comments", { body: "two" })).rejects.toThrow("fetch failed");
    expect(rig.comments(7)).toHaveLength(1);
  });

  it("give no answer until the client gives up", async () => {
    rig.fail({ fault: { silent: true }, times: 1 });
    const signal = AbortSignal.timeout(30);
    const request = fetch(`${rig.apiUrl}/repos/acme/shop`, { headers: { authorization: "token writer" }, signal });
    await expect(request).rejects.toThrow(/aborted/);
  });
});
