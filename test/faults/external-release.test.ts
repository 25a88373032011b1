import type { Settings } from "@belay/config";
import { createRunner, parseReference, Redactor, systemClock } from "@belay/core";
import { createTestLog, openShop, runCli, type ShopStage } from "@belay/testkit";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { releaseToDeploy } from "../../packages/pipeline/src/deploy/release-to-deploy.ts";

let shop: ShopStage;
let image: string;

beforeAll(async () => {
  shop = await openShop();
  const { folder } = await runCli(shop, "build");
  const pushed = await runCli(shop, "push", { folder, args: ["--json"] });
  image = ((pushed.json?.services ?? []) as { image: string }[])[0]?.image ?? "";
  for (const [name, value] of Object.entries(shop.engine.env)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await shop?.[Symbol.asyncDispose]();
});

it("knows an image alone only by its labels, and marks the release so", async () => {
  const reference = parseReference(image);
  const services = { web: { image, names: {}, ...(reference === undefined ? {} : { reference }) } };
  const redactor = new Redactor();
  const context = {
    workingDirectory: shop.temporary.path,
    env: { ...shop.engine.env, RUNNER_TEMP: shop.temporary.path },
    log: createTestLog(),
    redactor,
    runner: createRunner(redactor),
    clock: systemClock,
    runName: "1.job.test",
    signal: new AbortController().signal,
  };
  const settings = { application: "shop", services, target: { kind: "compose" } } as unknown as Settings;
  const release = await releaseToDeploy(context, { githubToken: "", overrides: {} }, settings);
  expect(release).toMatchObject({
    stage: "external",
    unverified: true,
    source: { revision: await shop.repository.head(), repository: "https://github.com/acme/shop" },
  });
  expect(release.services.web?.digest).toBe(reference?.digest);
});
