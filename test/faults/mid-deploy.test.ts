import {
  announceCommit,
  type CliOptions,
  type CliRun,
  type EngineRig,
  openShop,
  runCli,
  type ShopStage,
  startEngine,
  waitForAnswer,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

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
beforeEach(async () => {
  commits++;
  const before = commits === 1 ? "Welcome to the shop" : `Shop number ${commits - 1}`;
  await shop.repository.commit(`Change ${commits}`, "web/shop.mjs", [before, `Shop number ${commits}`]);
  await announceCommit(shop, `Change ${commits}`);
  const built = await runCli(shop, "build");
  folder = built.folder;
  expect((await runCli(shop, "push", { folder })).exitCode).toBe(0);
});

/** Does something to a deployment as soon as its log says `text`. */
function deployAnd(
  text: string,
  act: (kill: (signal: NodeJS.Signals) => void) => void,
  options: CliOptions = {},
): Promise<CliRun> {
  let acted = false;
  return runCli(shop, "deploy", {
    folder,
    args: ["--json", ...(options.args ?? [])],
    onProgress: (log, child) => {
      if (acted || !log.includes(text)) return;
      acted = true;
      act((signal) => child.kill(signal));
    },
  });
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
  it("by a cancelled job takes the new release off again", async () => {
    const before = await running();
    const result = await deployAnd("started ", (kill) => kill("SIGINT"));
    expect(result.json, result.stderr).toMatchObject({ outcome: "rolled_back", cause: { cause: "cancelled" } });
    expect(result.exitCode).toBe(4);
    expect(await running()).toEqual(before);
  });

  it.each(["begun", "started ", "shift"])("by a kill of the runner at %j is put right by reconcile", async (moment) => {
    const before = await running();
    const killed = await deployAnd(moment, (kill) => kill("SIGKILL"));
    expect(killed.signal).toBe("SIGKILL");
    const result = await runCli(shop, "reconcile", { args: ["--json"] });
    expect(result.json, result.stderr).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    expect(result.exitCode).toBe(0);
    expect(await running()).toEqual(before);
  });

  it("by a kill of the runner is put right by the next deployment, which then succeeds", async () => {
    const killed = await deployAnd("started ", (kill) => kill("SIGKILL"));
    expect(killed.signal).toBe("SIGKILL");
    const result = await runCli(shop, "deploy", { folder, args: ["--json"] });
    expect(result.json, result.stderr).toMatchObject({ outcome: "succeeded" });
    expect(await greeting()).toBe(`Shop number ${commits}`);
    expect(await running()).toHaveLength(1);
  });

  it("by a killed engine says what it knows, and reconcile ends in one whole release", async () => {
    const result = await deployAnd("started ", () => void engine.kill(), { args: ["--deadline", "20s"] });
    expect(result.stderr + result.stdout).not.toContain("This is a defect");
    expect(["timed_out", "unverified", "rollback_failed"]).toContain(result.json?.outcome);
    await engine.restart();
    const after = await runCli(shop, "reconcile", { args: ["--json"] });
    expect(after.exitCode, after.stderr).toBe(0);
    expect(await running()).toHaveLength(1);
  });

  it("never leaves a deployment in progress on GitHub for ever", async () => {
    const result = await runCli(shop, "deploy", { folder, args: ["--json"] });
    expect(["succeeded", "unchanged"]).toContain(result.json?.outcome);
    const open = shop.github.deployments("staging").filter((one) => one.statuses[0]?.state === "in_progress");
    expect(open).toEqual([]);
  });
});
