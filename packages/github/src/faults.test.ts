import { createServer } from "node:net";
import { type FaultKind, SAMPLE_COMMIT, SAMPLE_REPORTS } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunEvent } from "./event.ts";
import type { GitHub } from "./github.ts";
import type { DeferReason, Reported } from "./reported.ts";
import { startOf, startTestRig, type TestRig } from "./testing/test-rig.ts";

let test: TestRig;

beforeEach(async () => {
  test = await startTestRig();
});

afterEach(async () => {
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});

const CALLS: Readonly<Record<string, (github: GitHub) => Promise<Reported<unknown>>>> = {
  findPullRequest: (github) => github.findPullRequest(SAMPLE_COMMIT),
  upsertComment: (github) => github.upsertComment({ pullRequest: 7, application: "shop", body: "x" }),
  beginDeployment: (github) => github.beginDeployment(startOf("staging", "100")),
  endDeployment: (github) => github.endDeployment(startOf("staging", "100"), SAMPLE_REPORTS.succeeded),
  environments: (github) => github.environments("shop"),
};

const FAULTS: readonly (readonly [string, FaultKind, DeferReason])[] = [
  ["401", { status: 401 }, "unauthorised"],
  ["403", { status: 403 }, "forbidden"],
  ["404", { status: 404 }, "not_found"],
  ["422", { status: 422 }, "rejected"],
  ["429", { status: 429, retryAfterSeconds: 1 }, "rate_limited"],
  ["500", { status: 500 }, "unavailable"],
  ["503 with Retry-After", { status: 503, retryAfterSeconds: 2 }, "unavailable"],
  ["a secondary limit", { secondaryLimit: true }, "rate_limited"],
  ["a used-up limit", { rateLimit: true, resetSeconds: 3_000 }, "rate_limited"],
  ["a cut connection", { cut: "before" }, "unreachable"],
  ["a connection cut after the work", { cut: "after" }, "unreachable"],
];

describe.each(Object.entries(CALLS))("%s", (_name, call) => {
  it.each(FAULTS)("is deferred by %s, with a reason and without an exception", async (_fault, fault, reason) => {
    test.rig.fail({ fault });
    const result = await call(test.github());
    expect(result).toMatchObject({ done: false, deferred: { reason } });
    expect(test.lines.join("")).toContain("warning: ");
    expect(test.rig.requests.length).toBeLessThanOrEqual(3);
  });

  it("is done after two faults that heal", async () => {
    for (const fault of [
      { status: 500 },
      { cut: "before" },
      { status: 429, retryAfterSeconds: 1 },
      { secondaryLimit: true },
    ] as const) {
      test.rig.fail({ fault, times: 2 });
      expect(await call(test.github())).toMatchObject({ done: true });
      test.rig.heal();
    }
  });

  it("ends in time when no answer comes", async () => {
    test.rig.fail({ fault: { silent: true } });
    const startedAt = performance.now();
    const result = await call(test.github({ limits: { requestMs: 40, callMs: 5_000, secondMs: 1 } }));
    expect(result).toMatchObject({ done: false, deferred: { reason: "unreachable" } });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const whole = await call(test.github({ limits: { requestMs: 5_000, callMs: 60 } }));
    expect(whole).toMatchObject({ done: false, deferred: { reason: "too_slow" } });
  });
});

it.each([400, 403, 404, 409, 422])(
  "asks once what is refused with %d, also where a request has retries of its own",
  async (status) => {
    const github = test.github();
    expect(await github.beginDeployment(startOf("staging", "100"))).toMatchObject({ done: true });
    const writes = (): number =>
      test.rig.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/statuses")).length;
    const before = writes();
    test.rig.fail({ fault: { status }, method: "POST", path: /statuses$/ });
    expect(await github.endDeployment(startOf("staging", "100"), SAMPLE_REPORTS.succeeded)).toMatchObject({
      done: false,
    });
    expect(writes() - before).toBe(1);
  },
);

describe("time", () => {
  it("of all calls together is bounded, and a dead GitHub is tried once by later calls", async () => {
    test.rig.fail({ fault: { silent: true } });
    const github = test.github({ limits: { requestMs: 50, callMs: 500, budgetMs: 400, retries: 2, secondMs: 1 } });
    const startedAt = performance.now();
    for (const call of Object.values(CALLS)) expect((await call(github)).done).toBe(false);
    for (const call of Object.values(CALLS)) expect((await call(github)).done).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(test.rig.requests.length).toBeLessThanOrEqual(12);
    expect(test.lines.at(-1)).toContain("the time for GitHub in this run is used up");
  });

  it("is not waited when Retry-After asks for more than the cap", async () => {
    test.rig.fail({ fault: { secondaryLimit: true, retryAfterSeconds: 3_600 } });
    const result = await test.github({ limits: { secondMs: 1_000 } }).environments("shop");
    expect(result).toMatchObject({ done: false, deferred: { reason: "rate_limited" } });
    expect(test.rig.requests).toHaveLength(1);
  });

  it("is waited as Retry-After asks", async () => {
    test.rig.fail({ fault: { status: 503, retryAfterSeconds: 10 }, times: 1 });
    const startedAt = performance.now();
    expect(await test.github({ limits: { secondMs: 10 } }).environments("shop")).toMatchObject({ done: true });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
  });

  it("passes while GitHub is slow, and the answer is taken", async () => {
    test.rig.fail({ fault: { slowMs: 80 } });
    expect(await test.github().findPullRequest(SAMPLE_COMMIT)).toMatchObject({ done: true, value: { number: 7 } });
  });
});

describe("explanations", () => {
  const fork: RunEvent = {
    name: "pull_request",
    headSha: "f".repeat(40),
    ref: "refs/pull/7/merge",
    fork: true,
    actor: "mallory",
  };
  const messageOf = async (call: keyof typeof CALLS, options: Parameters<TestRig["github"]>[0]): Promise<string> => {
    const result = await CALLS[call]?.(test.github(options));
    return result === undefined || result.done ? "" : result.deferred.message;
  };

  it("name the permission that is needed", async () => {
    expect(await messageOf("upsertComment", { token: "ghs_reader" })).toBe(
      "Commenting on pull request 7: GitHub answered 403 (Resource not accessible by integration). Give the job `permissions: pull-requests: write`.",
    );
    expect(await messageOf("beginDeployment", { token: "ghs_reader" })).toContain("`permissions: deployments: write`");
    expect(await messageOf("environments", { token: "app" })).toContain("`permissions: deployments: read`");
  });

  it("name no permission where none would help", async () => {
    test.rig.fail({
      fault: { status: 403, message: "Unable to create comment because issue is locked." },
      method: "POST",
    });
    expect(await CALLS.upsertComment?.(test.github())).toMatchObject({ deferred: { reason: "rejected" } });
    expect(test.lines.join("")).not.toContain("permissions:");
  });

  it("name a fork's read-only token", async () => {
    const message = await messageOf("upsertComment", { token: "ghs_fork", event: fork });
    expect(message).toContain("This run is for a fork's pull request, whose token can only read");
    expect(await CALLS.upsertComment?.(test.github({ token: "ghs_fork", event: fork }))).toMatchObject({
      deferred: { reason: "read_only" },
    });
  });

  it("name a wrong token, a wrong repository and a missing one", async () => {
    expect(await messageOf("environments", { token: "ghs_wrong" })).toContain(
      "401 (Bad credentials). The token is wrong, expired or revoked",
    );
    expect(await messageOf("environments", { repository: "acme/other" })).toContain("check `acme/other`");
    expect(await messageOf("environments", { token: "" })).toContain("no token was given");
    expect(test.rig.requests.every((one) => one.status !== 200)).toBe(true);
  });

  it("name what refused the connection, and carry no secret", async () => {
    const port = await freePort();
    test.redactor.add(String(port));
    const message = await messageOf("environments", { apiUrl: `http://127.0.0.1:${port}` });
    expect(message).toMatch(/no answer came from GitHub \(.*ECONNREFUSED 127\.0\.0\.1:\*\*\*\)/);
  });
});

describe("findPullRequest", () => {
  it("takes the event's without asking, else the API's, open ones first", async () => {
    const pullRequest = { number: 9, headSha: SAMPLE_COMMIT, fork: false };
    const event: RunEvent = {
      name: "pull_request",
      headSha: SAMPLE_COMMIT,
      ref: "refs/pull/9/merge",
      pullRequest,
      fork: false,
      actor: "ada",
    };
    expect(await test.github({ event }).findPullRequest(SAMPLE_COMMIT)).toEqual({ done: true, value: pullRequest });
    const merge = { ...event, workflowSha: "c".repeat(40) };
    expect(await test.github({ event: merge }).findPullRequest("c".repeat(40))).toEqual({
      done: true,
      value: pullRequest,
    });
    expect(test.rig.requests).toHaveLength(0);
    test.rig.addPull({ number: 8, headSha: "e".repeat(40), commits: [SAMPLE_COMMIT], state: "closed" });
    test.rig.addPull({ number: 3, headSha: "d".repeat(40), commits: [SAMPLE_COMMIT], headRepository: "mallory/shop" });
    expect(await test.github().findPullRequest(SAMPLE_COMMIT)).toMatchObject({ value: { number: 7, fork: false } });
    expect(await test.github().findPullRequest("d".repeat(40))).toMatchObject({ value: { number: 3, fork: true } });
  });

  it("finds none where there is none", async () => {
    expect(await test.github().findPullRequest("41d05c0f9e8d7c6b5a49382716050f1e2d3c4b5a")).toEqual({
      done: true,
      value: undefined,
    });
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 1));
    });
  });
}
