/** Proves the rig itself: what the tests of the real workflows believe about act. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createRepository,
  describeRun,
  jobOf,
  localActions,
  runWorkflow,
  stepOf,
  type ThrowawayRepository,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

const SHA = "0123456789abcdef0123456789abcdef01234567";

const MAIN = `
name: Main
on: workflow_dispatch
permissions: {}
jobs:
  first:
    runs-on: ubuntu-latest
    environment: { name: staging, deployment: false }
    outputs:
      value: \${{ steps.say.outputs.value }}
    steps:
      - id: say
        env:
          TOKEN: \${{ secrets.TOKEN }}
        run: |
          echo "value=one" >> "$GITHUB_OUTPUT"
          echo "leak=$TOKEN" >> "$GITHUB_OUTPUT"
          echo "## Summary" >> "$GITHUB_STEP_SUMMARY"
          echo "::warning file=a.ts,line=3,title=Careful::look here"
          echo "the token is $TOKEN, home is $HOME, caller: [$BELAY_CALLER]"
          echo "$GITHUB_REPOSITORY $GITHUB_SHA $GITHUB_API_URL $GITHUB_RUN_ID $SHARED"
      - id: remote
        uses: a/b/actions/c@${SHA}
        with: { who: Ada }
  second:
    needs: first
    uses: ./.github/workflows/inner.yml
    with: { word: "\${{ needs.first.outputs.value }}" }
  left-out:
    if: github.actor == 'nobody'
    runs-on: ubuntu-latest
    steps: [{ run: "true" }]
`;

const INNER = `
name: Inner
on:
  workflow_call:
    inputs: { word: { type: string, required: true } }
permissions: {}
jobs:
  inner:
    runs-on: ubuntu-latest
    steps:
      - id: checkout
        uses: actions/checkout@${SHA}
        with: { fetch-depth: 1, persist-credentials: false }
      - id: look
        env: { WORD: "\${{ inputs.word }}" }
        run: echo "found=$WORD $(cat hello.txt) $(git rev-list --count HEAD) $(git branch --show-current)" >> "$GITHUB_OUTPUT"
`;

const FAILING = `
name: Failing
on: push
permissions: {}
jobs:
  broken:
    runs-on: ubuntu-latest
    steps:
      - id: bad
        run: echo "because"; exit 3
      - id: after
        run: "true"
      - id: always
        if: always()
        run: "true"
`;

const SLOW = `
name: Slow
on: push
permissions: {}
jobs:
  slow:
    runs-on: ubuntu-latest
    steps: [{ run: "sleep 4711" }]
`;

let repository: ThrowawayRepository;
let head: string;

beforeAll(async () => {
  repository = await createRepository({ slug: "acme/shop" });
  await repository.commit("first", { "hello.txt": "hello\n" });
  head = await repository.commit("second", {
    ".github/workflows/main.yml": MAIN,
    ".github/workflows/inner.yml": INNER,
    ".github/workflows/failing.yml": FAILING,
    ".github/workflows/slow.yml": SLOW,
  });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await repository.remove();
});

/** A remote action with a post step, in a folder like a checkout of its repository. */
async function writeRemoteAction(folder: string): Promise<void> {
  await mkdir(join(folder, "actions/c"), { recursive: true });
  await mkdir(join(folder, "dist"));
  await writeFile(
    join(folder, "actions/c/action.yml"),
    "name: c\ndescription: c\ninputs: { who: { description: w } }\nruns: { using: node24, main: ../../dist/m.js, post: ../../dist/p.js }\n",
  );
  const main = `const { appendFileSync: add } = require("node:fs");
    add(process.env.GITHUB_OUTPUT, "greeting=hi " + process.env.INPUT_WHO + "\\n");
    add(process.env.GITHUB_OUTPUT, "node=" + process.versions.node + "\\n");
    add(process.env.GITHUB_STATE, "kept=yes\\n");`;
  await writeFile(join(folder, "dist/m.js"), main);
  await writeFile(join(folder, "dist/p.js"), "console.log('post', process.env.STATE_kept)");
}

it("runs jobs, remote actions with their post step, and reusable workflows", async () => {
  vi.stubEnv("BELAY_CALLER", "must not get in");
  await using remote = await temporaryFolder();
  await writeRemoteAction(remote.path);
  const run = await runWorkflow({
    workflow: ".github/workflows/main.yml",
    eventName: "workflow_dispatch",
    event: { inputs: {} },
    repositoryFolder: repository.folder,
    env: { SHARED: "a 'b' \"c\" $d" },
    secrets: { TOKEN: "s3cret-value" },
    github: { url: "http://127.0.0.1:1" },
    localRepositories: { ...localActions(INNER, ""), [`a/b@${SHA}`]: remote.path },
  });
  expect(run.conclusion, describeRun(run)).toBe("success");

  const say = stepOf(run, "first", "say");
  expect(say.outputs).toEqual({ value: "one", leak: "***" });
  expect(say.summary).toBe("## Summary\n");
  expect(say.annotations).toEqual([
    { level: "warning", message: "look here", title: "Careful", file: "a.ts", line: 3 },
  ]);
  expect(say.log).toContain("the token is ***");
  expect(say.log).toContain("caller: []");
  expect(say.log).toContain(`acme/shop ${head} http://127.0.0.1:1 4242 a 'b' "c" $d`);
  expect(JSON.stringify(run)).not.toContain("s3cret-value");

  expect(stepOf(run, "first", "remote").outputs).toMatchObject({ greeting: "hi Ada" });
  expect(stepOf(run, "first", "remote").outputs.node).toMatch(/^24\./);
  expect(stepOf(run, "first", "remote", "Post").log).toBe("post yes\n");
  expect(jobOf(run, "inner").name).toBe("second/Inner/inner");
  expect(stepOf(run, "inner", "checkout").outputs.commit).toBe(head);
  expect(stepOf(run, "inner", "look").outputs.found).toBe("one hello 1 main");
  expect(run.jobs.map((job) => job.id)).not.toContain("left-out");
});

it("tells which step failed and with what", async () => {
  const run = await runWorkflow({
    workflow: ".github/workflows/failing.yml",
    eventName: "push",
    repositoryFolder: repository.folder,
  });
  expect(run.conclusion).toBe("failure");
  expect(jobOf(run, "broken").result).toBe("failure");
  expect(stepOf(run, "broken", "bad").result).toBe("failure");
  // act tells the exit status by another way than the output, so that either comes first.
  expect(stepOf(run, "broken", "bad").log.trim().split("\n").sort()).toEqual(["because", "exit status 3"]);
  expect(run.jobs[0]?.steps.some((step) => step.id === "after" && step.result === "success")).toBe(false);
  expect(stepOf(run, "broken", "always").result).toBe("success");
});

it("refuses what is no workflow, naming why", async () => {
  await writeFile(
    join(repository.folder, ".github/workflows/wrong.yml"),
    "on: push\njobs: { x: { runs-on: [], step: 1 } }\n",
  );
  const running = runWorkflow({
    workflow: ".github/workflows/wrong.yml",
    eventName: "push",
    repositoryFolder: repository.folder,
  });
  await expect(running).rejects.toThrow(/Unknown Property step/);
});

it("ends all that a run started when its time is over", async () => {
  const began = performance.now();
  const running = runWorkflow({
    workflow: ".github/workflows/slow.yml",
    eventName: "push",
    repositoryFolder: repository.folder,
    deadlineMs: 1_500,
  });
  await expect(running).rejects.toThrow("was not done after 1500 ms");
  expect(performance.now() - began).toBeLessThan(10_000);
});

it("runs several at once", async () => {
  const one = () =>
    runWorkflow({ workflow: ".github/workflows/failing.yml", eventName: "push", repositoryFolder: repository.folder });
  const runs = await Promise.all([one(), one(), one(), one()]);
  expect(runs.map((run) => stepOf(run, "broken", "always").result)).toEqual(Array(4).fill("success"));
});
