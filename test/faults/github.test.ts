import {
  announceCommit,
  type CliRun,
  type FaultKind,
  openShop,
  runCli,
  SHOP_PULL_REQUEST,
  type ShopStage,
} from "@belay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

let shop: ShopStage;
let folder: string;

beforeAll(async () => {
  shop = await openShop();
  await announceCommit(shop, "Open the shop");
  const built = await runCli(shop, "build", { args: ["--json"] });
  folder = built.folder;
  const pushed = await runCli(shop, "push", { folder, args: ["--json"] });
  expect(pushed.exitCode).toBe(0);
});
afterAll(() => shop?.[Symbol.asyncDispose]());
afterEach(() => shop.github.heal());

const deploy = (env: Record<string, string> = {}): Promise<CliRun> =>
  runCli(shop, "deploy", { folder, args: ["--json", "--stable", "0"], env });

describe("GitHub never changes what happens to the target", () => {
  const faults: readonly [string, FaultKind][] = [
    ...[401, 403, 404, 422, 429, 500].map((status): [string, FaultKind] => [String(status), { status }]),
    ["a secondary limit", { secondaryLimit: true, retryAfterSeconds: 3_600 }],
    ["a cut connection", { cut: "before" }],
    ["a lost answer", { cut: "after" }],
  ];
  it.each(faults)("answering with %s", async (_name, fault) => {
    shop.github.fail({ fault });
    const result = await deploy();
    expect(result.exitCode).toBe(0);
    expect(["succeeded", "unchanged"]).toContain(result.json?.outcome);
    expect(result.stderr).toContain("warning:");
  });

  it("not answering at all, within a bounded time", async () => {
    shop.github.fail({ fault: { silent: true } });
    const result = await deploy();
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("warning:");
  });

  it("without a token", async () => {
    const result = await deploy({ GITHUB_TOKEN: "" });
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("github-token");
  });

  it("and is told when it is well again, in one comment", async () => {
    const result = await deploy();
    expect(result.json).toMatchObject({ outcome: "unchanged" });
    const comments = shop.github.comments(SHOP_PULL_REQUEST);
    expect(comments).toHaveLength(1);
    const open = shop.github.deployments("staging").filter((one) => one.statuses.at(-1)?.state === "in_progress");
    expect(open).toEqual([]);
    expect(shop.github.violations).toEqual([]);
  });
});
