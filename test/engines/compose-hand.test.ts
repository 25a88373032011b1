import { Redactor, systemClock } from "@belay/core";
import { type DeploymentResult, deploy } from "@belay/rollout";
import { describe, expect } from "vitest";
import { POLICY } from "./compose-driver.ts";
import { it } from "./compose-shop.ts";
import { type ProjectStand, releaseOf } from "./compose-stand.ts";

/* What a person does by docker in the middle of a deployment: it is seen by the next look, and never overwritten. */

/** Whoever only waits for the end of it is late. */
const policy = { ...POLICY, crashes: 1, startMs: 180_000, deadlineMs: 240_000 };
const SERVICES = { web: { name: "web" }, api: { name: "api" } };

/** Writes files of two services. `note` is in the environment of `api`. */
async function write(shop: ProjectStand, note: string): Promise<void> {
  const { repository } = await shop.image("good1");
  const service = (name: string, more: string): string =>
    `  ${name}:\n    image: ${repository}:good1\n    stop_grace_period: 1s\n${more}`;
  const api = `    environment: { NOTE: ${note} }\n`;
  await shop.write(`services:\n${service("web", "    deploy: { replicas: 2 }\n")}${service("api", api)}`);
}

/** Deploys another image of `web` alone. `act` is done once, when the run has changed something and is about to look. */
async function roll(shop: ProjectStand, web: string, act?: () => Promise<unknown>): Promise<DeploymentResult> {
  const target = await shop.target({ services: SERVICES });
  let acts = 0;
  const onStep = async (step: string): Promise<void> => {
    if (step === "watch" && acts++ === 0) await act?.();
  };
  const holder = { run: `${shop.name}-${Math.random()}`, attempt: 1, host: "test" };
  const { signal } = new AbortController();
  const [log, redactor, random] = [shop.log, new Redactor(), Math.random];
  const ports = { target, clock: systemClock, log, holder, signal, redactor, random, onStep };
  const release = releaseOf({ web: await shop.image(web), api: await shop.image("good1") });
  const result = await deploy({ release, policy }, ports);
  expect(acts).toBeGreaterThan(0);
  await target.close();
  return result;
}

async function prepare(shop: ProjectStand): Promise<void> {
  await write(shop, "old");
  expect(await roll(shop, "good1"), shop.log.text()).toMatchObject({ outcome: "succeeded" });
}

const names = async (shop: ProjectStand, service: string) => Object.keys(await shop.ids(service));

describe.concurrent("in the middle of a deployment", { timeout: 400_000 }, () => {
  it("new containers that are removed end it, and the old ones go on", async ({ shop }) => {
    await prepare(shop);
    const before = await shop.ids();
    const gone = `${shop.name}-web-3`;
    const result = await roll(shop, "good2", () => shop.engine.docker(["rm", "--force", gone]));
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      leftOpen: false,
      cause: { cause: "drifted", service: "web", detail: `somebody else removed ${gone} in between` },
      report: { running: [{ service: "web", ready: 2 }, { service: "api" }] },
    });
    expect(await shop.ids()).toEqual(before);
  });

  it("containers of what the release does not touch that are removed are left so, and told", async ({ shop }) => {
    await prepare(shop);
    const gone = `${shop.name}-api-1`;
    const result = await roll(shop, "good2", () => shop.engine.docker(["rm", "--force", gone]));
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      leftOpen: false,
      cause: { cause: "drifted", service: "api", detail: `somebody else removed ${gone} in between` },
      report: { running: [{ service: "web", ready: 2, deployment: 1 }] },
    });
    expect([await names(shop, "web"), await names(shop, "api")]).toEqual([
      [1, 2].map((number) => `${shop.name}-web-${number}`),
      [],
    ]);
  });

  it("a plain compose that changes what the release does not touch is left, and told", async ({ shop }) => {
    await prepare(shop);
    const result = await roll(shop, "good2", async () => {
      await write(shop, "new");
      await shop.compose(["up", "-d", "--no-deps", "api"]);
    });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      leftOpen: false,
      cause: { cause: "drifted", service: "api" },
      report: { running: [{ service: "web", ready: 2, deployment: 1 }, { service: "api" }] },
    });
    expect(result.cause?.detail).toContain(`made ${shop.name}-api-1`);
    const [id = ""] = Object.values(await shop.ids("api"));
    expect((await shop.docker.containers.inspect(id)).Config.Env).toContain("NOTE=new");
  });

  it("a container that somebody adds is not removed with the old ones", async ({ shop }) => {
    await prepare(shop);
    const result = await roll(shop, "good2", async () => {
      await shop.compose(["up", "-d", "--no-deps", "--no-recreate", "--scale", "web=5", "web"]);
    });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "drifted", service: "web", detail: `somebody else made ${shop.name}-web-5 in between` },
    });
    expect(await names(shop, "web")).toEqual([1, 2, 5].map((number) => `${shop.name}-web-${number}`));
  });
});
