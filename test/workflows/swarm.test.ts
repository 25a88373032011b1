/**
 * The workflows of examples/swarm, byte for byte, run by act: a commit becomes a stack on a real swarm, a broken one is
 * taken off again, and a rollback is asked for by hand. Looked at from outside with nothing but the docker command line.
 */
import { beManager, describeRun, stepOf, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectStatus } from "./expect-status.ts";
import { expectFaultTold, expectNoSecret, FAULT } from "./expect-told.ts";
import { type Seen, STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const FIRST = 7;
const SECOND = 8;
const THIRD = 9;
const PASSWORD = "hunter2-of-the-database";

let stage: WorkflowStage;
let first: string;
let second: string;
const runs: WorkflowRun[] = [];

beforeAll(async () => {
  stage = await WorkflowStage.open({ example: "swarm", secrets: { DATABASE_PASSWORD: PASSWORD } });
  await beManager(stage.engine);
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

async function run(name: string, eventName: "push" | "workflow_dispatch", event: object): Promise<WorkflowRun> {
  const ended = await stage.run({ workflow: `.github/workflows/${name}.yml`, eventName, event });
  runs.push(ended);
  return ended;
}

const push = (sha: string): Promise<WorkflowRun> => run("deploy", "push", { ref: "refs/heads/main", after: sha });

/** What `docker service` shows of `shop_web`: its running tasks, their image, and the commit of that. */
async function look(): Promise<Seen> {
  const format = "{{.ID}} {{.Image}} {{.CurrentState}}";
  const args = ["service", "ps", "--no-trunc", "--filter", "desired-state=running", "--format", format, "shop_web"];
  const rows = (await stage.engine.docker(args)).stdout.split("\n").map((line) => line.split(" "));
  const running = rows.filter(([, , state]) => state === "Running");
  const images = [...new Set(running.map(([, image = ""]) => image))];
  return { ids: running.map(([id = ""]) => id).sort(), images, commits: await stage.commitsOf(images) };
}

it("puts a commit onto the swarm as a stack, with its configs, secrets and proxy", async () => {
  first = await stage.commit(FIRST, "Open the shop", "web/shop.mjs", (text) => text);
  const ended = await push(first);
  expect(ended.conclusion, describeRun(ended)).toBe("success");
  const { outputs, summary } = stepOf(ended, "staging", "deploy");
  const seen = await look();
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", deployment: "1" });
  const scanned = stepOf(ended, "staging", "scan");
  expect(scanned.outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", "scan-result": "passed" });
  expect(JSON.parse(scanned.outputs["scan-counts"] ?? "{}")).toMatchObject({ web: { result: "passed", fails: 0 } });
  expect(scanned.summary).toContain("| `web` | passed |");
  expect(seen.ids).toHaveLength(3);
  expect(seen.commits).toEqual([first]);
  expect(seen.images).toEqual([stepOf(ended, "staging", "push").outputs.image]);
  expect(seen.images[0]).toMatch(/^127\.0\.0\.1:\d+\/acme\/shop-web@sha256:[0-9a-f]{64}$/);
  expect(outputs.running).toContain(seen.images[0]);
  expect(await stage.visit()).toContain("Welcome to the shop");
  expect(summary).toContain(first.slice(0, 7));
  expect(stage.states()).toEqual(["success"]);
});

it("takes a broken commit off again and tells its pull request why", async () => {
  const before = await look();
  const broken = await stage.commit(SECOND, "Read prices from a file", "web/server.mjs", (text) => text + FAULT);
  const ended = await push(broken);
  expect(ended.conclusion, describeRun(ended)).toBe("failure");
  const { result, outputs, annotations, summary } = stepOf(ended, "staging", "deploy");
  expect(result).toBe("failure");
  expect(outputs).toMatchObject({ outcome: "rolled_back", "exit-code": "4", deployment: "2" });
  // The engine pauses at the first crash, which this policy would tolerate.
  expect(outputs.cause).toMatch(/crash_loop|exited/);
  expect(outputs.running).toContain(before.images[0]);
  expect(annotations.some((note) => note.level === "error")).toBe(true);
  const after = await look();
  expect({ ...after, ids: after.ids.length }).toEqual({ ...before, ids: 3 });
  expect(await stage.visit()).toContain("Welcome to the shop");
  expectFaultTold(stage, SECOND, summary, before);
});

it("stops a commit that brings a vulnerability in before it gets a tag, and tells its pull request which", async () => {
  await stage.repository.git("revert", "--no-edit", "HEAD");
  const before = await look();
  const lodash = JSON.stringify({ name: "lodash", version: "4.17.11", license: "MIT" });
  const files = { "web/node_modules/lodash/package.json": lodash };
  const vulnerable = await stage.commitFiles(THIRD, "Need lodash", {
    ...files,
    "web/Dockerfile": (text) => text.replace("COPY server.mjs", "COPY node_modules node_modules\nCOPY server.mjs"),
  });
  const ended = await push(vulnerable);
  expect(ended.conclusion, describeRun(ended)).toBe("failure");
  const { outputs, annotations } = stepOf(ended, "staging", "scan");
  expect(outputs).toMatchObject({ outcome: "vulnerabilities_found", "exit-code": "10", "scan-result": "vulnerable" });
  expect(annotations.some((note) => note.message.includes("CVE-2019-10744 in lodash 4.17.11"))).toBe(true);
  expect(await look()).toEqual(before);
  const [comment] = stage.github.comments(THIRD);
  expect(comment?.body).toContain("Vulnerabilities found");
  expect(comment?.body).toMatch(
    /\| \*\*new\*\*, \*\*fails\*\* \| CRITICAL \| \[`CVE-2019-10744`\].*`lodash 4.17.11`.*fixed in 4/,
  );
  expect(comment?.body).toContain("| `web` | **vulnerable** | 2 | 0 | 0 |");
  await stage.repository.git("revert", "--no-edit", "HEAD");
});

it("goes on with a good one, and back when somebody asks for it", async () => {
  second = await stage.commit(SECOND, "Greet climbers", "web/shop.mjs", (text) =>
    text.replace("the shop", "the climbers' shop"),
  );
  const better = await push(second);
  expect(better.conclusion, describeRun(better)).toBe("success");
  expect((await look()).commits).toEqual([second]);
  expect(await stage.visit()).toContain("the climbers' shop");

  const inputs = { environment: "staging", to: "previous", reason: "prices are wrong" };
  const back = await run("rollback", "workflow_dispatch", { ref: "refs/heads/main", inputs });
  expect(back.conclusion, describeRun(back)).toBe("success");
  const { outputs } = stepOf(back, "rollback", "rollback");
  expect(outputs).toMatchObject({ outcome: "succeeded", "rolled-back-to": "1", deployment: "4", revision: first });
  expect((await look()).commits).toEqual([first]);
  expect(await stage.visit()).toContain("Welcome to the shop");
  expect(stage.github.comments(FIRST)[0]?.body).toContain("Rolled back to deployment 1, healthy");
  expect(stage.states().at(-1)).toBe("success");
});

it("tells on the command line what runs, what a deployment would change, and goes back there too", async () => {
  const env = { DATABASE_PASSWORD: PASSWORD };
  expectStatus(await stage.status(), { seen: await look(), deployment: 4, by: "ada", rolledBackTo: 1 });
  const login = ["login", "--username", "ada", "--password-stdin", stage.registry.address];
  await stage.engine.docker(login, { input: TOKEN });
  const plan = await stage.belay(["plan", "--markdown", "--release", (await look()).images[0] ?? ""], env);
  expect(plan.stdout, plan.stderr).toContain("Plan: shop → staging");
  const back = await stage.belay(["rollback", "--to", second, "--reason", "prices are right again"], env);
  expect(back.exitCode, back.stdout + back.stderr).toBe(0);
  const seen = await look();
  expect(seen.commits).toEqual([second]);
  expectStatus(await stage.status(), { seen, deployment: 5, by: /./, rolledBackTo: 3 });
});

it("shows no secret anywhere", () => {
  expectNoSecret(stage, runs, [FIRST, SECOND, THIRD], [PASSWORD]);
});
