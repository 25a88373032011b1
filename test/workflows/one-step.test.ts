/** The action at the root of the repository, which does everything in one step, in workflows as people would write them. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeRun, renderMarkdown, stepOf, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const WORKFLOW = ".github/workflows/one-step.yml";
const PULL_REQUEST = 8;
const READ_ONLY = "ghs_readonly000000000000000000000000000000";

/** On a pull request, the branch itself and not GitHub's merge commit. */
const TEXT = `
name: One step
on: pull_request
permissions: {}
jobs:
  all:
    runs-on: ubuntu-latest
    environment: { name: staging, deployment: false }
    steps:
      - uses: actions/checkout@${"1".repeat(40)}
        with: { persist-credentials: false, ref: "\${{ github.event.pull_request.head.sha }}", fetch-depth: 100 }
      - uses: docker/login-action@${"1".repeat(40)}
        with: { registry: "\${{ vars.REGISTRY }}", username: "\${{ github.actor }}", password: "\${{ secrets.REGISTRY_PASSWORD }}" }
      - id: belay
        uses: belay-deploy/belay@${"1".repeat(40)}
        with: { environment: staging, variables: "\${{ vars.BELAY_VARIABLES }}", stable: 1s, scan-upload: sarif, test-reports: /reports }
      - id: after
        if: always()
        env: { OUTCOME: "\${{ steps.belay.outputs.outcome }}" }
        run: echo "seen=$OUTCOME" >> "$GITHUB_OUTPUT"
`;

/** A step of a Dockerfile that fails leaves no files behind. */
const TESTS = `RUN ["node", "--test", "shop.test.mjs"]`;
const REPORTED =
  "RUN mkdir /reports && (node --test --test-reporter=junit shop.test.mjs > /reports/junit.xml || echo $? > /reports/exit-code)";

let stage: WorkflowStage;

beforeAll(async () => {
  stage = await WorkflowStage.open();
  const path = join(stage.repository.folder, WORKFLOW);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, TEXT);
  const dockerfile = join(stage.repository.folder, "web/Dockerfile");
  const text = await readFile(dockerfile, "utf8");
  expect(text).toContain(TESTS);
  await writeFile(dockerfile, text.replace(TESTS, REPORTED));
  stage.github.addToken({ token: READ_ONLY, permissions: { contents: "read" } });
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

const open = (sha: string, token?: string): Promise<WorkflowRun> =>
  stage.run({
    workflow: WORKFLOW,
    eventName: "pull_request",
    event: {
      action: "synchronize",
      number: PULL_REQUEST,
      pull_request: {
        number: PULL_REQUEST,
        head: { sha, ref: "climbers", repo: { full_name: "acme/shop", fork: false } },
        base: { ref: "main", repo: { full_name: "acme/shop" } },
      },
    },
    ...(token === undefined ? {} : { token }),
  });

it("brings a pull request's head to the engine and tells the pull request", async () => {
  const sha = await stage.commit(PULL_REQUEST, "Greet climbers", "web/shop.mjs", (text) => text);
  const run = await open(sha);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const { outputs } = stepOf(run, "all", "belay");
  const seen = await stage.lookFromOutside();
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", revision: sha, image: seen.images[0] });
  expect(JSON.parse(outputs.tags ?? "{}")).toEqual({ web: [`sha-${sha.slice(0, 12)}`, `pr-${PULL_REQUEST}`] });
  expect(seen.commits).toEqual([sha]);
  expect(outputs["comment-url"]).toContain(`/acme/shop/pull/${PULL_REQUEST}#issuecomment-`);
  expect(stepOf(run, "all", "after").outputs.seen).toBe("succeeded");
  expect(stage.github.comments(PULL_REQUEST)).toHaveLength(1);
  expect(stage.states()).toEqual(["success"]);
  expect(outputs).toMatchObject({ "scan-result": "passed" });
  const comment = stage.github.comments(PULL_REQUEST)[0]?.body ?? "";
  expect(comment).toContain("<summary>Scan: passed");
  expect(renderMarkdown(comment)).toContain("web (2 passed)");
  expect(stage.github.analyses()).toMatchObject([{ sarif: { runs: [{ tool: { driver: { name: "Trivy" } } }] } }]);
});

it("stops at a failing test: nothing is pushed, nothing on the engine is touched", async () => {
  const before = await stage.lookFromOutside();
  const sha = await stage.commit(PULL_REQUEST, "Give a discount", "web/shop.mjs", (text) =>
    text.replace("cents / 100", "cents / 200"),
  );
  const run = await open(sha);
  expect(run.conclusion).toBe("failure");
  expect(stepOf(run, "all", "belay").outputs).toMatchObject({ outcome: "tests_failed", "exit-code": "15" });
  expect(stepOf(run, "all", "after").outputs.seen).toBe("tests_failed");
  expect(stepOf(run, "all", "belay").annotations).toContainEqual(
    expect.objectContaining({
      level: "error",
      title: expect.stringContaining("prices have two decimals"),
      file: "web/shop.test.mjs",
      line: 6,
    }),
  );
  expect(await stage.lookFromOutside()).toEqual(before);
  const tag = `${stage.registry.url}/v2/acme/shop-web/manifests/sha-${sha.slice(0, 12)}`;
  const authorization = `Basic ${Buffer.from(`ada:${TOKEN}`).toString("base64")}`;
  expect((await fetch(tag, { headers: { authorization } })).status).toBe(404);
});

it("deploys all the same when GitHub may not be written to, and puts the report into the summary", async () => {
  const sha = await stage.commit(PULL_REQUEST, "Greet everybody", "web/shop.mjs", (text) =>
    text.replace("the shop", "everybody's shop"),
  );
  const comments = JSON.stringify(stage.github.comments(PULL_REQUEST));
  const run = await open(sha, READ_ONLY);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const belay = stepOf(run, "all", "belay");
  expect(belay.outputs).toMatchObject({ outcome: "succeeded", deployment: "2" });
  expect((await stage.lookFromOutside()).commits).toEqual([sha]);
  expect(await stage.visit()).toContain("everybody's shop");
  expect(belay.summary).toContain(sha.slice(0, 7));
  expect(belay.summary).toContain("deployments: write");
  expect(belay.annotations.map((note) => note.message).join("\n")).toContain("security-events: write");
  expect(JSON.stringify(stage.github.comments(PULL_REQUEST))).toBe(comments);
});
