import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  announceCommit,
  type EngineRig,
  openShop,
  runCli,
  runStep,
  type ShopStage,
  type ShopStep,
  startEngine,
  waitForAnswer,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { askObserver, type Seen } from "../contract/observer.ts";

/** An engine of its own: it is killed here. */
let engine: EngineRig;
let shop: ShopStage;
let commits = 0;

beforeAll(async () => {
  engine = await startEngine({ buildx: true });
  shop = await openShop({ engine });
  await announceCommit(shop, "Open the shop");
  const first = await runCli(shop, "run", { args: ["--json"] });
  expect(first.json, first.stderr).toMatchObject({ outcome: "succeeded" });
});
afterAll(async () => {
  await shop?.[Symbol.asyncDispose]();
  await engine?.stop();
});

let folder: string;
beforeEach(releaseNext);

/** A commit, built and pushed by a job of its own. */
async function releaseNext(): Promise<void> {
  commits++;
  const before = commits === 1 ? "Welcome to the shop" : `Shop number ${commits - 1}`;
  await shop.repository.commit(`Change ${commits}`, "web/shop.mjs", [before, `Shop number ${commits}`]);
  await announceCommit(shop, `Change ${commits}`);
  const built = await runCli(shop, "build");
  folder = built.folder;
  expect((await runCli(shop, "push", { folder })).exitCode).toBe(0);
}

/** Short waits, so that the moments in between count for more. */
const QUICK = { stable: "1s", drain: "1s" };

/** Does something to the action's main step as soon as its log says `text`. */
function deployAnd(
  text: string,
  act: (kill: (signal: NodeJS.Signals) => void) => void,
  inputs = {},
  entry = "deploy/index",
): Promise<ShopStep> {
  let acted = false;
  return runStep(shop, entry, {
    folder,
    inputs: { ...QUICK, ...inputs },
    onOutput: (log, kill) => {
      if (acted || !log.includes(text)) return;
      acted = true;
      act(kill);
    },
  });
}

/** The step that GitHub runs at the end of the job, whatever became of the main step; with the inputs of that one. */
const post = (main: ShopStep, inputs = {}): Promise<ShopStep> =>
  runStep(shop, "deploy/post", { folder, inputs: { ...QUICK, ...inputs }, state: main.state, run: main.run });

/**
 * Cancels a step as GitHub's runner does: SIGINT, after 7.5 s SIGTERM, after 2.5 s more SIGKILL, each to the step's own process
 * and to none that it has started (actions/runner, `ProcessInvoker.cs`).
 */
function cancel(kill: (signal: NodeJS.Signals) => void): void {
  kill("SIGINT");
  setTimeout(() => kill("SIGTERM"), 7_500);
  setTimeout(() => kill("SIGKILL"), 10_000);
}

/** What answers at the proxy: the first line of the shop's page. */
async function greeting(): Promise<string> {
  await waitForAnswer(shop.url);
  return (await (await fetch(shop.url)).text()).split("\n")[0] ?? "";
}

/** Images of all running containers of the service, by a plain look from outside. */
async function running(): Promise<string[]> {
  const filters = [`label=com.docker.compose.project=${shop.project}`, "label=com.docker.compose.service=web"];
  const { stdout } = await engine.docker([
    "ps",
    "--format",
    "{{.Image}}",
    ...filters.flatMap((one) => ["--filter", one]),
  ]);
  return [...new Set(stdout.split("\n").filter((line) => line !== ""))];
}

describe("a deployment that is disturbed", () => {
  it("by a cancelled job takes the new release off again, and leaves nothing to the post step", async () => {
    const before = await running();
    const main = await deployAnd("started ", (kill) => kill("SIGINT"));
    expect(main.outputs, main.log).toMatchObject({ outcome: "rolled_back", "exit-code": "4", cause: "cancelled" });
    expect(await running()).toEqual(before);
    expect(await post(main)).toMatchObject({ exitCode: 0, log: "" });
  });

  it("by a cancelled job that is to leave it does so, and the post step puts it right", async () => {
    const before = await running();
    const main = await deployAnd("started ", (kill) => kill("SIGTERM"), { "on-cancel": "leave" });
    expect(main.outputs, main.log).toMatchObject({ outcome: "unverified", "exit-code": "9", cause: "cancelled" });
    const after = await post(main);
    expect(after.log).toContain("recovered (rolled_back)");
    expect(await running()).toEqual(before);
  });

  it.each(["begun", "started ", "shift", "stopping ", "removing "])(
    "by a kill of the runner at %j is put right by the post step",
    async (moment) => {
      const before = await running();
      const main = await deployAnd(moment, (kill) => kill("SIGKILL"));
      expect(main.signal).toBe("SIGKILL");
      const after = await post(main);
      expect(after.exitCode, after.log).toBe(0);
      expect(after.log).toContain("recovered (rolled_back)");
      expect(await running()).toEqual(before);
      await waitForAnswer(shop.url);
    },
  );

  it("by a kill of the runner is put right by `belay reconcile`, once nobody can be alive any more", async () => {
    const before = await running();
    const main = await deployAnd("started ", (kill) => kill("SIGKILL"));
    expect(main.signal).toBe("SIGKILL");
    const after = await runCli(shop, "reconcile", { args: ["--json"] });
    expect(after.json, after.stderr).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    expect(after.exitCode).toBe(0);
    expect(await running()).toEqual(before);
    await waitForAnswer(shop.url);
  });

  it("by a kill of the runner is put right by the next deployment, which then succeeds", async () => {
    const main = await deployAnd("started ", (kill) => kill("SIGKILL"));
    expect(main.signal).toBe("SIGKILL");
    const next = await runStep(shop, "deploy/index", { folder, inputs: QUICK });
    expect(next.outputs, next.log).toMatchObject({ outcome: "succeeded" });
    expect(await greeting()).toBe(`Shop number ${commits}`);
    expect(await running()).toHaveLength(1);
  });

  it("by an engine that dies says only what it knows, and reconcile ends in one whole release", async () => {
    const main = await deployAnd("started ", () => void engine.kill(), { deadline: "10s" });
    expect(main.log).not.toContain("This is a defect");
    expect(["timed_out", "unverified"]).toContain(main.outputs.outcome);
    await engine.restart();
    const after = await runCli(shop, "reconcile", { args: ["--json"] });
    expect(after.json, after.stderr).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    expect(await running()).toHaveLength(1);
    await waitForAnswer(shop.url);
  });

  it("is not left in progress on GitHub by the next one that succeeds", async () => {
    const next = await runStep(shop, "deploy/index", { folder, inputs: QUICK });
    expect(next.outputs, next.log).toMatchObject({ outcome: "succeeded" });
    const open = shop.github.deployments("staging").filter((one) => one.statuses.at(-1)?.state === "in_progress");
    expect(open).toEqual([]);
  });

  /** There are two proven releases by now. */
  it.each([
    ["rollback/index", { to: "previous" }],
    ["belay/index", { scan: "off" }],
  ])("by a kill of %s is put right by its post step", async (entry, inputs) => {
    const before = await running();
    const main = await deployAnd("started ", (kill) => kill("SIGKILL"), inputs, entry);
    expect(main.signal, main.log).toBe("SIGKILL");
    const after = await post(main, inputs);
    expect(after.exitCode, after.log).toBe(0);
    expect(after.log).toContain("recovered (rolled_back)");
    expect(await running()).toEqual(before);
    await waitForAnswer(shop.url);
  });
});

/** What is there of the application, by somebody who knows nothing of Belay. */
function seen(): Promise<Seen> {
  const script = new URL("../contract/observer-docker.ts", import.meta.url).href;
  return askObserver({ script, settings: { env: engine.env, project: shop.project } });
}

const SOON = "stop_grace_period: 10s";
/** Containers that take all of their time to end, which is more than the runner gives a step that it cancels. */
const SLOWLY = "stop_grace_period: 15s\n    stop_signal: SIGWINCH";

describe("a cancelled job whose way back takes longer than its runner waits", () => {
  beforeAll(async () => {
    await shop.repository.commit("Take long to end", "compose.yaml", [SOON, SLOWLY]);
  });

  /** The step is cancelled at `text`, killed on its way back, and followed by its `post:` step. */
  async function cancelledAt(text: string): Promise<void> {
    const before = await seen();
    const main = await deployAnd(text, cancel);
    expect(main, main.log).toMatchObject({ signal: "SIGKILL", outputs: {} });
    expect(main.log).toContain("Going back to what ran before");
    const after = await post(main);
    expect(after, main.log + after.log).toMatchObject({ exitCode: 0, signal: null });
    expect(after.log).toContain("recovered (rolled_back)");
    expect(await seen(), main.log + after.log).toEqual(before);
    expect(before.services.web).toMatchObject(Array(3).fill({ healthy: true }));
    const { json } = await runCli(shop, "status", { args: ["--json"] });
    const [own, failed] = (json?.history ?? []) as readonly { readonly open: boolean; readonly end?: object }[];
    expect(own, JSON.stringify(json)).toMatchObject({ open: false, end: { outcome: "rolled_back" } });
    expect(failed).toMatchObject({ open: false, end: { outcome: "rolled_back", cause: { cause: "recovered" } } });
    const states = shop.github.deployments("staging").map(({ statuses }) => statuses.at(-1)?.state);
    expect(states.filter((state) => state === "in_progress")).toEqual([]);
    expect(await readFile(join(folder, "summary.md"), "utf8")).toContain("was taken off again");
  }

  it("is put right by the post step, when its new containers are still ending", async () => {
    await cancelledAt("started ");
    expect(await greeting()).not.toBe(`Shop number ${commits}`);
  });

  it("is put right by the post step, when the old containers are still ending", async () => {
    const first = await runStep(shop, "deploy/index", { folder, inputs: QUICK });
    expect(first.outputs, first.log).toMatchObject({ outcome: "succeeded" });
    const served = await greeting();
    await shop.repository.commit("End at once", "compose.yaml", [SLOWLY, SOON]);
    await releaseNext();
    await cancelledAt("stopping ");
    expect(await greeting()).toBe(served);
  });
});
