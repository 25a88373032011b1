/**
 * The example's rollback workflow, dispatched under act after two deployments of its other one, and then the one that Belay
 * publishes: a real engine, a real registry, the GitHub simulator. What runs is looked at from outside.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeRun, stepOf, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readText } from "../structure/source-files.ts";
import { expectStatus } from "./expect-status.ts";
import { EXAMPLE, STAGE_MS, WorkflowStage } from "./workflow-stage.ts";

const FIRST = 7;
const SECOND = 8;
/** Somebody types into a form: none of it is a command, a word of a shell, or Markdown. */
const REASON = "prices `wrong` $(id) <b>see</b> @acme ::error::";

/** The workflow that Belay publishes, in somebody's repository. */
const PUBLISHED = ".github/workflows/belay-rollback.yml";

/** A workflow of that repository that calls it. */
const CALL = `
name: Call
on: workflow_dispatch
permissions: {}
jobs:
  back:
    uses: ./${PUBLISHED}
    with:
      environment: staging
      to: "1"
      reason: by the called one
      registry: \${{ vars.REGISTRY }}
      registry-user: ada
      variables: \${{ vars.BELAY_VARIABLES }}
    secrets:
      registry-password: \${{ secrets.REGISTRY_PASSWORD }}
`;

let stage: WorkflowStage;
let first: string;
let second: string;

beforeAll(async () => {
  stage = await WorkflowStage.open();
  first = await deploy(FIRST, "Open the shop", (text) => text);
  second = await deploy(SECOND, "Greet climbers", (text) => text.replace("the shop", "the climbers' shop"));
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

async function deploy(pullRequest: number, title: string, change: (text: string) => string): Promise<string> {
  const sha = await stage.commit(pullRequest, title, "web/shop.mjs", change);
  const event = { ref: "refs/heads/main", after: sha };
  const run = await stage.run({ workflow: ".github/workflows/deploy.yml", eventName: "push", event });
  expect(run.conclusion, describeRun(run)).toBe("success");
  return sha;
}

function dispatch(to: string, reason = "", workflow = ".github/workflows/rollback.yml"): Promise<WorkflowRun> {
  const inputs = { environment: "staging", to, reason };
  return stage.run({
    workflow,
    eventName: "workflow_dispatch",
    event: { ref: "refs/heads/main", inputs },
  });
}

/** A `belay.yaml` that says itself what the example's workflows give it as variables: the form has no field for them. */
function withValues(text: string): string {
  const values = Object.entries(stage.variables);
  return values.reduce(
    (all, [name, value]) => all.replace(new RegExp(`^( +${name}:) .*$`, "gm"), `$1 "${value}"`),
    text,
  );
}

it("brings the previous release back, proves it, and says so to its pull request", async () => {
  const run = await dispatch("previous", REASON);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const step = stepOf(run, "rollback", "rollback");
  expect(step.outputs).toMatchObject({
    outcome: "succeeded",
    "exit-code": "0",
    deployment: "3",
    "rolled-back-to": "1",
    revision: first,
  });
  expect(step.annotations.filter((note) => note.level === "error")).toEqual([]);
  const seen = await stage.lookFromOutside();
  expect(seen.commits).toEqual([first]);
  expect(seen.ids).toHaveLength(3);
  expect(step.outputs.running).toContain(seen.images[0]);
  expect(await stage.visit()).toContain("Welcome to the shop");

  const body = stage.github.comments(FIRST)[0]?.body ?? "";
  expect(body).toContain("Rolled back to deployment 1, healthy");
  expect(body).toContain("asked for by ada: prices");
  expect(body).not.toContain("<b>see</b>");
  expect(body).not.toContain("`wrong`");
  expect(stage.github.comments(FIRST)).toHaveLength(1);
  expect(step.summary).toContain("Rolled back to deployment 1, healthy");

  const [newest] = stage.github.deployments("staging").slice(-1);
  expect(newest?.sha).toBe(first);
  expect(newest?.statuses.map((status) => status.description)).toEqual([
    expect.stringContaining("Rolling back to deployment 1"),
    expect.stringContaining("Rolled back to deployment 1, healthy"),
  ]);
  expect(stage.states()).toEqual(["inactive", "inactive", "success"]);
});

it("goes to a commit, also a newer one, and finds what runs already unchanged", async () => {
  const forward = await dispatch(second.slice(0, 10));
  expect(forward.conclusion, describeRun(forward)).toBe("success");
  expect(stepOf(forward, "rollback", "rollback").outputs).toMatchObject({ deployment: "4", "rolled-back-to": "2" });
  const seen = await stage.lookFromOutside();
  expect(seen.commits).toEqual([second]);
  const again = await dispatch("4");
  expect(stepOf(again, "rollback", "rollback").outputs).toMatchObject({ outcome: "unchanged", deployment: "" });
  expect(await stage.lookFromOutside()).toEqual(seen);
  expectStatus(await stage.status(), { seen, deployment: 4, by: "ada", rolledBackTo: 2 });
});

it("refuses a deployment that there never was, and names those that there are", async () => {
  const seen = await stage.lookFromOutside();
  const run = await dispatch("99");
  expect(run.conclusion).toBe("failure");
  const step = stepOf(run, "rollback", "rollback");
  expect(step.outputs).toMatchObject({ outcome: "invalid_input", "exit-code": "2" });
  expect(step.annotations.map((note) => note.message).join("\n")).toContain(`2 (commit ${second.slice(0, 12)})`);
  expect(await stage.lookFromOutside()).toEqual(seen);
  expect(stage.github.violations).toEqual([]);
});

it("is the same through the workflow that Belay publishes, called by the repository's own", async () => {
  await stage.commitFiles(SECOND, "Call the workflow", {
    [PUBLISHED]: readText(".github/workflows/rollback.yml"),
    ".github/workflows/call.yml": CALL,
  });
  const run = await stage.run({
    workflow: ".github/workflows/call.yml",
    eventName: "workflow_dispatch",
    event: { ref: "refs/heads/main" },
  });
  expect(run.conclusion, describeRun(run)).toBe("success");
  expect((await stage.lookFromOutside()).commits).toEqual([first]);
  expect(stage.github.comments(FIRST)[0]?.body).toContain("asked for by ada: by the called one");
  expect(stage.states().at(-1)).toBe("success");
});

it("is the same through a copy of it, dispatched by hand", async () => {
  const published = readText(".github/workflows/rollback.yml");
  await stage.commitFiles(SECOND, "Copy the workflow", {
    [PUBLISHED]: published.replaceAll("'ghcr.io'", `'${stage.registry.address}'`),
    "belay.yaml": withValues(await readFile(join(EXAMPLE, "belay.yaml"), "utf8")),
  });
  const run = await dispatch(second, "by the copied one", PUBLISHED);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const outputs = { outcome: "succeeded", "rolled-back-to": "4", revision: second };
  expect(stepOf(run, "rollback", "rollback").outputs).toMatchObject(outputs);
  expect((await stage.lookFromOutside()).commits).toEqual([second]);
  expect(stage.states().at(-1)).toBe("success");
  expect(stage.github.violations).toEqual([]);
});
