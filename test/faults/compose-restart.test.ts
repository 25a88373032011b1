import { DEFAULT_ROLLOUT, Redactor, type RolloutPolicy, systemClock } from "@belay/core";
import { type DeploymentResult, deploy } from "@belay/rollout";
import { type EngineRig, startEngine, waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answers, writeShop } from "../engines/compose-shop.ts";
import { openStand, type ProjectStand, releaseOf, type Stand } from "../engines/compose-stand.ts";

/** The first crash would count: there is none. */
const policy: RolloutPolicy = {
  ...DEFAULT_ROLLOUT,
  ...{ crashes: 1, drainMs: 500, startMs: 90_000, deadlineMs: 180_000 },
};

/** An engine of its own, because it is ended here. */
let engine: EngineRig;
let stand: Stand;
let count = 0;

beforeAll(async () => {
  engine = await startEngine();
  stand = await openStand(engine);
}, 600_000);
afterAll(async () => {
  await stand?.stop();
  await engine?.stop();
});

interface Acted {
  readonly shop: ProjectStand;
  readonly result: DeploymentResult;
}

/** Deploys a good release over a good one and does something to the engine or to the containers when it is on its way. */
async function deployAnd(restart: string, act: (shop: ProjectStand) => Promise<unknown>): Promise<Acted> {
  const shop = await stand.project(`belay-restart-${process.pid}-${++count}`);
  await writeShop(shop, `restart: "${restart}"\n    deploy: { replicas: 2 }`, "", "always");
  const put = async (
    image: string,
    stableMs: number,
    onStep: (step: string, stage?: string) => void = () => undefined,
  ) => {
    const target = await shop.target();
    const holder = { run: `${shop.name}-${image}`, attempt: 1, host: "test" };
    const ports = { target, clock: systemClock, log: shop.log, holder, signal: new AbortController().signal };
    try {
      const release = releaseOf({ web: await shop.image(image) });
      const request = { release, policy: { ...policy, stableMs } };
      return await deploy(request, { ...ports, redactor: new Redactor(), random: Math.random, onStep });
    } finally {
      await target.close();
    }
  };
  expect(await put("good1", 500)).toMatchObject({ outcome: "succeeded" });
  let acting: Promise<unknown> | undefined;
  // On a busy machine it may take a while until what is done here has an effect: no traffic may have moved by then.
  const result = await put("good2", 8_000, (step, stage) => {
    if (step === "watch" && stage === "start") acting ??= act(shop);
  });
  await acting;
  return { shop, result };
}

async function restartEngine(): Promise<void> {
  await engine.pause();
  await engine.restart();
}

/** The containers that run the image, by the engine's own command line. */
async function running(shop: ProjectStand, image: string): Promise<string[]> {
  const { digest } = await shop.image(image);
  const filters = [`label=com.docker.compose.project=${shop.name}`, "label=com.docker.compose.service=web"];
  const { stdout } = await engine.docker([
    ...["ps", "--no-trunc", ...filters.flatMap((one) => ["--filter", one])],
    ...["--format", "{{.ID}} {{.Image}}"],
  ]);
  return stdout.split("\n").filter((line) => line.endsWith(`@${digest}`));
}

describe("an engine that is restarted in good order while a release starts", { timeout: 600_000 }, () => {
  it("is no crash of the release, which goes on when its containers are back", async () => {
    const { shop, result } = await deployAnd("always", restartEngine);
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    await answers(shop, "good2");
    expect(await running(shop, "good2")).toHaveLength(2);
    await shop.remove();
  });

  it("is named where the engine does not start the containers again, and the old release comes back", async () => {
    const { shop, result } = await deployAnd("no", restartEngine);
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "start_failed", service: "web", detail: expect.stringContaining("ended with its engine") },
    });
    await answers(shop, "good1");
    expect(await running(shop, "good1")).toHaveLength(2);
    await shop.remove();
  });
});

describe("containers that somebody stops while they are judged", { timeout: 600_000 }, () => {
  it("have not crashed: the cause says what was done to them", async () => {
    const { shop, result } = await deployAnd("always", async (one) => {
      let ids: string[] = [];
      const there = async (): Promise<boolean> => {
        ids = await running(one, "good2");
        return ids.length > 0;
      };
      await waitUntil("a new container runs", there, { withinMs: 60_000 });
      await engine.docker(["stop", "--time", "5", ids[0]?.split(" ")[0] ?? ""]);
    });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "drifted", service: "web", detail: expect.stringMatching(/^somebody else ended .*-web-\d/) },
    });
    await answers(shop, "good1");
    await shop.remove();
  });
});
