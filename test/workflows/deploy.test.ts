/**
 * The workflow of the example, byte for byte, run by act: from a commit to a real registry and a real engine, with the
 * GitHub simulator in GitHub's place. What runs is looked at from outside, with nothing but the plain docker command line.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeRun, jobOf, stepOf, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLE, type Seen, STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const WORKFLOW = ".github/workflows/deploy.yml";
const PULL_REQUEST = 7;

let stage: WorkflowStage;
let better: string;
let broken: string;
let seenBetter: Seen;

beforeAll(async () => {
  stage = await WorkflowStage.open();
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

/** What GitHub does on a push to main. */
const push = (sha: string): Promise<WorkflowRun> =>
  stage.run({ workflow: WORKFLOW, eventName: "push", event: { ref: "refs/heads/main", after: sha } });

it("puts a good first commit on the engine", async () => {
  const good = await stage.commit(PULL_REQUEST, "Open the shop", "web/shop.mjs", (text) => text);
  const run = await push(good);
  expect(run.conclusion, describeRun(run)).toBe("success");
  expect(await readFile(join(stage.repository.folder, WORKFLOW))).toEqual(await readFile(join(EXAMPLE, WORKFLOW)));

  const { outputs } = stepOf(run, "staging", "deploy");
  const seen = await stage.lookFromOutside();
  expect(stepOf(run, "staging", "build").outputs).toMatchObject({ "exit-code": "0", revision: good });
  expect(stepOf(run, "staging", "build").outputs.tags).toContain(`sha-${good.slice(0, 12)}`);
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", deployment: "1" });
  expect(seen.ids).toHaveLength(3);
  expect(seen.commits).toEqual([good]);
  expect(seen.images).toEqual([stepOf(run, "staging", "push").outputs.image]);
  expect(seen.images[0]).toMatch(/^127\.0\.0\.1:\d+\/acme\/shop-web@sha256:[0-9a-f]{64}$/);
  expect(outputs.running).toContain(seen.images[0]);
  expect(await stage.visit()).toContain("Welcome to the shop");
  expect(stage.states()).toEqual(["success"]);
  expect(stage.github.comments(PULL_REQUEST)).toHaveLength(1);
  expect(stage.github.comments(PULL_REQUEST)[0]?.body).toContain(good.slice(0, 7));
});

it("replaces it by a better one, and closes what was before at GitHub", async () => {
  better = await stage.commit(PULL_REQUEST, "Greet climbers", "web/shop.mjs", (text) =>
    text.replace("the shop", "the climbers' shop"),
  );
  const before = await stage.lookFromOutside();
  const run = await push(better);
  expect(run.conclusion, describeRun(run)).toBe("success");
  seenBetter = await stage.lookFromOutside();
  expect(stepOf(run, "staging", "deploy").outputs).toMatchObject({ outcome: "succeeded", deployment: "2" });
  expect(seenBetter.ids).toHaveLength(3);
  expect(seenBetter.ids.some((id) => before.ids.includes(id))).toBe(false);
  expect(seenBetter.commits).toEqual([better]);
  expect(await stage.visit()).toContain("the climbers' shop");
  expect(stage.states()).toEqual(["inactive", "success"]);
  expect(stage.github.comments(PULL_REQUEST)).toHaveLength(1);
});

it("plans for a pull request, in a comment of its own, and changes nothing", async () => {
  const number = 8;
  const sha = await stage.commit(number, "Greet divers", "web/shop.mjs", (text) =>
    text.replace("the shop", "the divers' shop"),
  );
  const repo = { full_name: "acme/shop", fork: false };
  const pullRequest = { number, head: { sha, ref: "divers", repo }, base: { ref: "main", repo } };
  const run = await stage.run({
    workflow: ".github/workflows/plan.yml",
    eventName: "pull_request",
    event: { action: "synchronize", number, pull_request: pullRequest },
  });
  await stage.repository.git("revert", "--no-edit", "HEAD");
  expect(run.conclusion, describeRun(run)).toBe("success");
  const { outputs } = stepOf(run, "staging", "plan");
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", changes: "1" });
  expect(JSON.parse(outputs.plan ?? "")).toMatchObject({
    services: expect.arrayContaining([expect.objectContaining({ service: "web", action: "update" })]),
  });
  const [comment, ...others] = stage.github.comments(number);
  expect(others).toEqual([]);
  expect(comment?.body).toContain("Plan: shop → staging");
  expect(comment?.body).toContain(stepOf(run, "staging", "push").outputs.image?.split("@")[1]?.slice(0, 19));
  expect(outputs["comment-url"]).toContain("/8#issuecomment-");
  expect(await stage.lookFromOutside()).toEqual(seenBetter);
  expect(stage.states()).toEqual(["inactive", "success"]);
});

it("stops at a failing test, which the step that always runs tells the pull request", async () => {
  const wrong = await stage.commit(PULL_REQUEST, "Halve the prices", "web/shop.mjs", (text) =>
    text.replace("cents / 100", "cents / 200"),
  );
  const run = await push(wrong);
  await stage.repository.git("revert", "--no-edit", "HEAD");
  expect(run.conclusion).toBe("failure");
  expect(stepOf(run, "staging", "build").outputs).toMatchObject({ outcome: "tests_failed", "exit-code": "15" });
  expect(jobOf(run, "staging").steps.filter((step) => step.stage === "Main" && step.id === "deploy")).toEqual([]);
  expect(stepOf(run, "staging", "Report").outputs).toMatchObject({ outcome: "tests_failed", "exit-code": "15" });
  const [comment] = stage.github.comments(PULL_REQUEST);
  expect(comment?.body).toContain(wrong.slice(0, 7));
  expect(comment?.body).toContain("Tests failed");
  expect(comment?.body).toContain("6.45 EUR");
  expect(await stage.lookFromOutside()).toEqual(seenBetter);
});

it("takes a broken one off again, says why, and never touches what served", async () => {
  const fault = 'throw new Error("cannot read the price list");\n';
  broken = await stage.commit(PULL_REQUEST, "Read prices from a file", "web/server.mjs", (text) => text + fault);
  const run = await push(broken);
  expect(run.conclusion, describeRun(run)).toBe("failure");
  const deploy = stepOf(run, "staging", "deploy");
  expect(deploy.result).toBe("failure");
  expect(deploy.outputs).toMatchObject({ outcome: "rolled_back", "exit-code": "4", deployment: "3" });
  expect(deploy.outputs.cause).toMatch(/crash_loop|exited/);
  expect(deploy.outputs.running).toContain(seenBetter.images[0]);
  expect(deploy.annotations.some((note) => note.level === "error")).toBe(true);
  expect(stepOf(run, "staging", "Report").stage).toBe("Main");

  expect(await stage.lookFromOutside()).toEqual(seenBetter);
  expect(await stage.visit()).toContain("the climbers' shop");
  const comments = stage.github.comments(PULL_REQUEST);
  expect(comments).toHaveLength(1);
  expect(comments[0]?.body).toContain("Rolled back");
  expect(comments[0]?.body).toContain("cannot read the price list");
  expect(stage.states().at(-1)).toBe("failure");
  expect(stage.states()).not.toContain("in_progress");
});

it("runs the post steps, leaves no login behind, and shows the token nowhere", async () => {
  const run = await push(broken);
  expect(stepOf(run, "staging", "deploy", "Post").result, describeRun(run)).toBe("success");
  const config = await readFile(join(stage.engine.env.DOCKER_CONFIG ?? "", "config.json"), "utf8");
  expect(JSON.parse(config)).not.toHaveProperty(["auths", stage.registry.address]);
  const bodies = stage.github.comments(PULL_REQUEST).map((comment) => comment.body);
  expect(JSON.stringify([run, bodies, stage.github.deployments()])).not.toContain(TOKEN);
  expect(await stage.lookFromOutside()).toEqual(seenBetter);
  expect(stage.github.violations).toEqual([]);
});
