import { type DeploymentReport, OUTCOME_NAMES, OUTCOMES } from "@belay/core";
import { SAMPLE_COMMIT, SAMPLE_REPORTS, type SimDeployment } from "@belay/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reported } from "./reported.ts";
import { OTHER_COMMIT, startOf, startTestRig, type TestRig, withOutcome } from "./testing/test-rig.ts";

let test: TestRig;

beforeEach(async () => {
  test = await startTestRig();
});

afterEach(async () => {
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});

function must<T>(reported: Reported<T>): T {
  if (!reported.done) throw new Error(reported.deferred.message);
  return reported.value;
}

const states = (deployment: SimDeployment | undefined): string[] =>
  deployment?.statuses.map((status) => status.state) ?? [];
const succeeded: DeploymentReport = SAMPLE_REPORTS.succeeded;
const rolledBack: DeploymentReport = SAMPLE_REPORTS.rolled_back;

/** One whole deployment by a run of its own. */
async function deploy(environment: string, run: string, report = succeeded, changes = {}): Promise<number> {
  const github = test.github();
  const start = startOf(environment, run, changes);
  const begun = must(await github.beginDeployment(start));
  return must(await github.endDeployment(start, report, begun)).id;
}

describe("a GitHub deployment", () => {
  it("is made for the commit, goes in progress, and ends with its outcome", async () => {
    test.rig.addCommit({ sha: SAMPLE_COMMIT, behind: "conflict", statuses: { ci: "pending" } });
    await deploy("staging", "100", rolledBack, { url: "https://staging.shop.example" });
    const [made] = test.rig.deployments("staging");
    expect(made).toMatchObject({
      sha: SAMPLE_COMMIT,
      ref: SAMPLE_COMMIT,
      production: false,
      transient: false,
      description: "shop deployment 12",
      payload: {
        belay: "belay.deployment/v1",
        application: "shop",
        environment: "staging",
        deployment: 12,
        run: { id: "100", attempt: 1 },
      },
    });
    expect(states(made)).toEqual(["in_progress", "failure"]);
    expect(made?.statuses.at(-1)).toMatchObject({
      description: "Rolled back: crash_loop in web (exit code 1) (shop, deployment 12)",
      logUrl: "https://github.com/acme/shop/actions/runs/100",
      environmentUrl: "https://staging.shop.example",
    });
  });

  it.each(OUTCOME_NAMES)("ends as the table of outcomes says: %s", async (outcome) => {
    await deploy("staging", "100", withOutcome(succeeded, outcome));
    const status = test.rig.deployments("staging")[0]?.statuses.at(-1);
    expect(status?.state).toBe(OUTCOMES[outcome].deploymentState);
    expect(status?.description).toContain(OUTCOMES[outcome].headline);
  });

  it("ends in error when the run failed before", async () => {
    const github = test.github();
    await github.endDeployment(startOf("staging", "100"), SAMPLE_REPORTS.tests_failed);
    expect(test.rig.deployments()[0]?.statuses.at(-1)).toMatchObject({
      state: "error",
      description: "Tests failed (shop, deployment 12)",
    });
  });

  it("is found again by another step of the same run, and made anew by another attempt", async () => {
    const start = startOf("staging", "100");
    const first = must(await test.github().beginDeployment(start));
    expect(must(await test.github().endDeployment(start, succeeded)).id).toBe(first.id);
    const second = must(await test.github().beginDeployment({ ...start, run: { ...start.run, attempt: 2 } }));
    expect(second.id).not.toBe(first.id);
  });

  it("is not doubled when the answer to its creation is lost", async () => {
    test.rig.fail({ fault: { cut: "after" }, method: "POST", path: /deployments$/, times: 1 });
    must(await test.github().beginDeployment(startOf("staging", "100")));
    expect(test.rig.deployments()).toHaveLength(1);
  });

  it("knows production by its name, and what is transient by being told", async () => {
    await deploy("production", "100");
    await deploy("pr-7", "101", succeeded, { transient: true });
    expect(test.rig.deployments().map((one) => [one.production, one.transient])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it("has a description of 140 characters at most, the number at its end", async () => {
    const report: DeploymentReport = {
      ...rolledBack,
      cause: { cause: "crash_loop", service: "web", detail: "é".repeat(300) },
    };
    await deploy("staging", "100", report);
    const description = test.rig.deployments()[0]?.statuses.at(-1)?.description ?? "";
    expect([...description].length).toBeLessThanOrEqual(140);
    expect(description).toMatch(/… \(shop, deployment 12\)$/);
  });
});

describe("the job's own GitHub deployment", () => {
  it("is adopted, known by the link of GitHub's own status to this run", async () => {
    test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 99, job: 1 });
    const own = test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 100, job: 2 });
    test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 1000, job: 3 });
    const github = test.github();
    const begun = must(await github.beginDeployment(startOf("staging", "100")));
    expect(begun).toEqual({ id: own.id, adopted: true });
    must(await github.endDeployment(startOf("staging", "100"), succeeded, begun));
    expect(test.rig.deployments()).toHaveLength(3);
    expect(states(own)).toEqual(["queued", "in_progress", "in_progress", "success"]);
  });

  it("is adopted by one application only, and by that one again", async () => {
    const jobs = [1, 2].map((job) =>
      test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 100, job }),
    );
    const github = test.github();
    const begin = async (application: string) =>
      must(await github.beginDeployment(startOf("staging", "100", { application }))).id;
    const shop = await begin("shop");
    const blog = await begin("blog");
    expect([shop, blog].sort()).toEqual(jobs.map(({ id }) => id).sort());
    expect([await begin("shop"), await begin("blog")]).toEqual([shop, blog]);
    expect(jobs.map(({ id }) => id)).not.toContain(await begin("third"));
  });

  it("of a pull request may name the merge commit", async () => {
    const merge = "c".repeat(40);
    const own = test.rig.addJobDeployment({ environment: "staging", sha: merge, run: 100, job: 2 });
    expect(must(await test.github().beginDeployment(startOf("staging", "100", { workflowSha: merge }))).id).toBe(
      own.id,
    );
  });

  it("of another environment or run is left alone", async () => {
    test.rig.addJobDeployment({ environment: "production", sha: SAMPLE_COMMIT, run: 100, job: 1 });
    test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 10, job: 1 });
    expect(must(await test.github().beginDeployment(startOf("staging", "100"))).adopted).toBe(false);
  });
});

describe("older GitHub deployments", () => {
  it("become inactive after a success, in production and transient environments too", async () => {
    for (const environment of ["staging", "production"]) {
      await deploy(environment, "100");
      await deploy(environment, "101");
      expect(test.rig.deployments(environment).map((one) => one.statuses.at(-1)?.state)).toEqual([
        "inactive",
        "success",
      ]);
    }
    await deploy("staging", "102", rolledBack);
    expect(test.rig.deployments("staging").map((one) => one.statuses.at(-1)?.state)).toEqual([
      "inactive",
      "success",
      "failure",
    ]);
  });

  it("of another application in the same environment stay", async () => {
    await deploy("staging", "100", succeeded, { application: "blog" });
    await deploy("staging", "101");
    expect(test.rig.deployments().map((one) => one.statuses.at(-1)?.state)).toEqual(["success", "success"]);
  });

  it("that a dead run left in progress end, those of a living run only after a success", async () => {
    await test.github().beginDeployment(startOf("staging", "50"));
    await test.github().beginDeployment(startOf("staging", "51"));
    test.rig.addRun({ id: 50, headSha: OTHER_COMMIT, status: "completed", conclusion: "cancelled" });
    test.rig.addRun({ id: 51, headSha: OTHER_COMMIT, status: "in_progress" });
    await deploy("staging", "100", rolledBack);
    const newest = (): (string | undefined)[] => test.rig.deployments().map((one) => one.statuses.at(-1)?.state);
    expect(newest()).toEqual(["inactive", "in_progress", "failure"]);
    await deploy("staging", "101");
    expect(newest()).toEqual(["inactive", "inactive", "failure", "success"]);
  });

  it("are not looked through for ever", async () => {
    for (let run = 1; run <= 7; run++) await deploy("staging", String(run), rolledBack);
    const before = test.rig.requests.length;
    await deploy("staging", "100");
    expect(test.rig.requests.length - before).toBeLessThan(14);
  });
});

describe("environments", () => {
  it("tells the newest of each environment from payload and statuses", async () => {
    await deploy("production", "90", succeeded, { commit: OTHER_COMMIT, deployment: 31 });
    await deploy("staging", "100", succeeded);
    await deploy("staging", "101", rolledBack);
    await deploy("staging", "102", succeeded, { application: "blog" });
    const rows = must(await test.github().environments("shop"));
    expect(rows).toHaveLength(2);
    expect(rows.find((row) => row.environment === "staging")).toMatchObject({
      state: "failure",
      outcome: "rolled_back",
      description: "Rolled back: crash_loop in web (exit code 1)",
      deployment: 12,
      runUrl: "https://github.com/acme/shop/actions/runs/101",
    });
    expect(rows.find((row) => row.environment === "production")).toMatchObject({
      outcome: "succeeded",
      commit: OTHER_COMMIT,
    });
  });

  it("believes Belay's word over the job's own last status, and nobody else's GitHub deployments", async () => {
    const own = test.rig.addJobDeployment({ environment: "staging", sha: SAMPLE_COMMIT, run: 100, job: 2 });
    test.rig.addJobDeployment({ environment: "docs", sha: SAMPLE_COMMIT, run: 70, job: 3 });
    await deploy("staging", "100", rolledBack);
    test.rig.endJobDeployment(own.id, "success");
    const rows = must(await test.github().environments("shop"));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ environment: "staging", outcome: "rolled_back", state: "failure", deployment: 12 });
  });

  it("finds an environment behind a hundred previews", async () => {
    await deploy("production", "90");
    for (let run = 1_000; run < 1_120; run++) {
      test.rig.addJobDeployment({ environment: "preview", sha: OTHER_COMMIT, run, job: run });
    }
    expect(must(await test.github().environments("shop"))).toMatchObject([{ environment: "production" }]);
  });

  it("tells what goes on", async () => {
    await test.github().beginDeployment(startOf("staging", "100"));
    expect(must(await test.github().environments("shop"))[0]).toMatchObject({
      state: "in_progress",
      description: "Deploying",
    });
  });
});
