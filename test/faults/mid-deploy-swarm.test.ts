import {
  announceCommit,
  beManager,
  type EngineRig,
  openShop,
  runCli,
  runStep,
  type ShopStage,
  startEngine,
  waitForAnswer,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

let engine: EngineRig;
let shop: ShopStage;
let commits = 0;
/** Of the job, which its steps share. */
let folder: string;

beforeAll(async () => {
  engine = await startEngine({ buildx: true });
  await beManager(engine);
  shop = await openShop({ engine, example: "swarm", secrets: { DATABASE_PASSWORD: "hunter2-of-the-database" } });
  await announceCommit(shop, "Open the shop");
  const first = await runCli(shop, "run", { args: ["--json"] });
  expect(first.json, first.stderr).toMatchObject({ outcome: "succeeded" });
});
afterAll(async () => {
  await shop?.[Symbol.asyncDispose]();
  await engine?.stop();
});

beforeEach(async () => {
  commits++;
  const before = commits === 1 ? "Welcome to the shop" : `Shop number ${commits - 1}`;
  await shop.repository.commit(`Change ${commits}`, "web/shop.mjs", [before, `Shop number ${commits}`]);
  await announceCommit(shop, `Change ${commits}`);
  const built = await runCli(shop, "build");
  folder = built.folder;
  expect((await runCli(shop, "push", { folder })).exitCode).toBe(0);
});

/** Image and state of the tasks that are to run, by a plain look from outside. */
async function tasks(): Promise<string[]> {
  const args = ["--no-trunc", "--filter", "desired-state=running", "--format", "{{.Image}} {{.CurrentState}}"];
  const { stdout } = await engine.docker(["service", "ps", ...args, `${shop.project}_web`]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.split(" ").slice(0, 2).join(" ")).sort();
}

/**
 * The main step, killed when its log says `text`, or when a task of the new release runs. `stable` is longer than a busy
 * machine needs to hear either, so that the kill comes before its end; the way back is watched for as long.
 */
async function killedAt(text: string | undefined, before: readonly string[]): ReturnType<typeof runStep> {
  let signal: ((signal: NodeJS.Signals) => void) | undefined;
  const main = runStep(shop, "deploy/index", {
    folder,
    inputs: { stable: "20s" },
    onOutput: (log, kill) => {
      signal ??= kill;
      if (text !== undefined && log.includes(text)) kill("SIGKILL");
    },
  });
  if (text !== undefined) return main;
  const isNew = async (): Promise<boolean> =>
    (await tasks()).some((one) => one.endsWith(" Running") && !before.includes(one));
  await waitUntil("a task of the new release runs", isNew, { withinMs: 60_000, everyMs: 100 });
  signal?.("SIGKILL");
  return main;
}

describe("a deployment to a swarm whose runner is killed", { timeout: 400_000 }, () => {
  it.each([
    ["when it has begun", "begun"],
    ["when it is about to send its update", "updating "],
    ["when a task of the new release runs", undefined],
  ])("%s is put right by the post step", async (_, text) => {
    const before = await tasks();
    const main = await killedAt(text, before);
    expect(main.signal, main.log).toBe("SIGKILL");
    const post = await runStep(shop, "deploy/post", { folder, state: main.state });
    expect(post.exitCode, post.log).toBe(0);
    expect(post.log).toContain("recovered (rolled_back)");
    expect(await tasks()).toEqual(before);
    await waitForAnswer(shop.url);
    expect(await (await fetch(shop.url)).text()).toContain("Welcome to the shop");
  });
});
