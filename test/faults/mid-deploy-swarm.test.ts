import { OUTCOMES } from "@belay/core";
import {
  announceCommit,
  beManager,
  type EngineRig,
  openShop,
  runCli,
  runStep,
  type ShopStage,
  type ShopStep,
  startEngine,
  waitForAnswer,
  waitUntil,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startChangeGate } from "../contract/change-gate.ts";

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

/** Version and content of the services. */
async function specs(): Promise<string> {
  const services = [`${shop.project}_web`, `${shop.project}_proxy`];
  const format = "{{.ID}} {{.Version.Index}} {{json .Spec}}";
  return (await engine.docker(["service", "inspect", "--format", format, ...services])).stdout;
}

/** How the deployments ended, the newest first. */
async function outcomes(): Promise<(string | undefined)[]> {
  const { json, stderr } = await runCli(shop, "status", { args: ["--json"] });
  expect(json, stderr).toBeDefined();
  const history = json?.history as readonly { readonly end?: { readonly outcome: string } }[];
  return history.map(({ end }) => end?.outcome);
}

type Told = Readonly<Record<string, string>>;

/** The main step, sent `signal` when its log says `text`, or when a task of the new release runs. */
async function sentAt(
  text: string | undefined,
  signal: NodeJS.Signals,
  before: readonly string[],
  inputs: Told,
  entry = "deploy/index",
): Promise<ShopStep> {
  let send: ((signal: NodeJS.Signals) => void) | undefined;
  const main = runStep(shop, entry, {
    folder,
    inputs,
    onOutput: (log, kill) => {
      if (text !== undefined && send === undefined && log.includes(text)) kill(signal);
      if (text === undefined || log.includes(text)) send ??= kill;
    },
  });
  if (text !== undefined) return main;
  const isNew = async (): Promise<boolean> =>
    (await tasks()).some((one) => one.endsWith(" Running") && !before.includes(one));
  await waitUntil("a task of the new release runs", isNew, { withinMs: 60_000, everyMs: 100 });
  send?.(signal);
  return main;
}

/** Longer than a busy machine needs to hear of either, so that the signal comes before its end. The way back is watched for as long. */
const LONG: Told = { stable: "20s" };
/** The rollout of three tasks, one after another, is long enough for one that is sent in its middle. */
const SHORT: Told = { stable: "2s" };

const post = (main: ShopStep, inputs: Told = {}): Promise<ShopStep> =>
  runStep(shop, "deploy/post", { folder, inputs, state: main.state, run: main.run });

async function page(): Promise<string> {
  await waitForAnswer(shop.url);
  return (await fetch(shop.url)).text();
}

async function expectOld(before: readonly string[]): Promise<void> {
  expect(await tasks()).toEqual(before);
  expect(await page()).toContain("Welcome to the shop");
}

describe("a deployment to a swarm whose runner is killed", { timeout: 400_000 }, () => {
  it.each([
    ["when it has begun", "begun"],
    ["when it is about to send its update", "updating "],
    ["when a task of the new release runs", undefined],
  ])("%s is put right by the post step", async (_, text) => {
    const before = await tasks();
    const main = await sentAt(text, "SIGKILL", before, LONG);
    expect(main.signal, main.log).toBe("SIGKILL");
    const after = await post(main);
    expect(after.exitCode, after.log).toBe(0);
    expect(after.log).toContain("recovered (rolled_back)");
    await expectOld(before);
  });

  it("is put right by `belay reconcile`, once nobody can be alive any more", async () => {
    const [before, ends] = [await tasks(), await outcomes()];
    const main = await sentAt(undefined, "SIGKILL", before, LONG);
    expect(main.signal, main.log).toBe("SIGKILL");
    const after = await runCli(shop, "reconcile");
    expect(after.stdout, after.stderr).toMatch(
      /^Deployment \d+ was left open by a run that died; the release before it is back\.\n$/,
    );
    expect(after.exitCode).toBe(0);
    await expectOld(before);
    expect(await outcomes(), "of the recovery and of what it put right").toEqual([
      "rolled_back",
      "rolled_back",
      ...ends,
    ]);
    expect(await runCli(shop, "reconcile")).toMatchObject({ exitCode: 0, stdout: "Nothing was left open.\n" });
  });
});

describe("a deployment to a swarm whose job is cancelled", { timeout: 400_000 }, () => {
  it("in its middle takes the new release off again, and leaves nothing to the post step", async () => {
    const before = await tasks();
    const main = await sentAt(undefined, "SIGINT", before, SHORT);
    expect(main.outputs, main.log).toMatchObject({ outcome: "rolled_back", "exit-code": "4", cause: "cancelled" });
    await expectOld(before);
    expect(await post(main)).toMatchObject({ exitCode: 0, log: "" });
  });

  it("and that is to leave it does so, and the post step puts it right", async () => {
    const before = await tasks();
    const inputs: Told = { ...SHORT, "on-cancel": "leave" };
    const main = await sentAt(undefined, "SIGTERM", before, inputs);
    expect(main.outputs, main.log).toMatchObject({ outcome: "unverified", "exit-code": "9", cause: "cancelled" });
    expect(await tasks(), "nothing was put back").not.toEqual(before);
    const after = await post(main, inputs);
    expect(after, after.log).toMatchObject({ exitCode: 0 });
    expect(after.log).toContain("recovered (rolled_back)");
    await expectOld(before);
  });

  it.each([
    ["while it plans", /^GET .*\/services/, false],
    ["when it begins", /^POST .*\/configs\/create/, true],
  ])("before the first change, %s, has touched nothing", async (_, asked, isBegun) => {
    const [before, ends] = [await specs(), await outcomes()];
    await using gate = await startChangeGate({ path: (engine.env.DOCKER_HOST ?? "").slice("unix://".length) });
    const env = { ...engine.env, DOCKER_HOST: `tcp://127.0.0.1:${gate.port}` };
    const held = gate.stopBefore(1, asked);
    let send: ((signal: NodeJS.Signals) => void) | undefined;
    const step = runStep({ ...shop, engine: { ...shop.engine, env } }, "deploy/index", {
      folder,
      onStart: (kill) => {
        send = kill;
      },
    });
    await Promise.race([held, step]);
    send?.("SIGINT");
    await gate.open();
    const main = await step;
    const { exitCode } = OUTCOMES.cancelled;
    expect(main.outputs, main.log).toMatchObject({ outcome: "cancelled", "exit-code": String(exitCode) });
    expect(await specs()).toBe(before);
    expect(await outcomes()).toEqual(isBegun ? ["cancelled", ...ends] : ends);
    expect(await post(main)).toMatchObject({ exitCode: 0, log: "" });
  });
});

describe("what a swarm's other actions do when their runner is killed", { timeout: 400_000 }, () => {
  it.each([
    ["rollback/index", { to: "previous" }],
    ["belay/index", { scan: "off" }],
  ])("amid the change of %s is put right by the post step", async (entry, more) => {
    if (entry === "rollback/index") {
      // What is gone back from.
      const next = await runStep(shop, "deploy/index", { folder, inputs: SHORT });
      expect(next.outputs, next.log).toMatchObject({ outcome: "succeeded" });
    }
    const [before, shown] = [await tasks(), await page()];
    const inputs = { ...SHORT, ...more };
    const main = await sentAt(undefined, "SIGKILL", before, inputs, entry);
    expect(main.signal, main.log).toBe("SIGKILL");
    const after = await post(main, inputs);
    expect(after.exitCode, after.log).toBe(0);
    expect(after.log).toContain("recovered (rolled_back)");
    expect(await tasks()).toEqual(before);
    expect(await page()).toBe(shown);
  });
});
