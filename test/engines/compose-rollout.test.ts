import { Redactor, type RolloutPolicy, systemClock, type Target } from "@belay/core";
import { type DeploymentResult, deploy, type RolloutPorts, recover } from "@belay/rollout";
import { requestLoop } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "./compose-driver.ts";
import { answers, it, release, url, writeShop } from "./compose-shop.ts";
import type { ProjectStand } from "./compose-stand.ts";

const policy: RolloutPolicy = { ...POLICY, crashes: 1 };

function portsOf(shop: ProjectStand, target: Target, more: Partial<RolloutPorts> = {}): RolloutPorts {
  const holder = { run: `${shop.name}-${Math.random()}`, attempt: 1, host: "test" };
  const signal = new AbortController().signal;
  return {
    target,
    clock: systemClock,
    log: shop.log,
    holder,
    signal,
    redactor: new Redactor(),
    random: Math.random,
    lifeMs: 6_000,
    ...more,
  };
}

async function run(
  shop: ProjectStand,
  image: string,
  more: Partial<RolloutPorts> = {},
  patience: Partial<RolloutPolicy> = {},
): Promise<DeploymentResult> {
  const target = await shop.target();
  const request = { release: await release(shop, image), policy: { ...policy, ...patience } };
  return deploy(request, portsOf(shop, target, more));
}

describe("the rollout on a compose project", () => {
  it("takes a first, a second, the same and a bad release, and says the truth each time", async ({ shop }) => {
    await writeShop(shop, "deploy: { replicas: 2 }");
    const first = await run(shop, "good1");
    expect(first).toMatchObject({ outcome: "succeeded", report: { deployment: 1 } });
    await answers(shop, "good1");
    const loop = requestLoop({ url: url(shop), perSecond: 100, timeoutMs: 30_000 });
    const second = await run(shop, "good2");
    expect(second).toMatchObject({ outcome: "succeeded", report: { deployment: 2, running: [{ ready: 2 }] } });
    const ids = await shop.ids();
    expect(await run(shop, "good2")).toMatchObject({ outcome: "unchanged" });
    const bad = await run(shop, "crash");
    const requests = await loop.stop();
    expect(bad.outcome).toBe("rolled_back");
    expect(bad.report.evidence[0]).toMatchObject({ service: "web", exitCode: 3 });
    expect(bad.cause?.cause).toMatch(/crash_loop|exited/);
    expect(bad.report.evidence[0]?.logLines).toContain("no database at db:5432");
    expect(await shop.ids()).toEqual(ids);
    expect(requests.lostBecause).toEqual({});
    expect(requests.lost).toBe(0);
    expect(bad.report.restoreMs).toBeLessThan(10_000);
    console.info(`taken off in ${bad.report.restoreMs} ms, whole run ${bad.report.durationMs} ms`);
  });

  it("takes a release off whole where what ran before is no better, and crashes as it comes back", async ({ shop }) => {
    const once = "[ -e /ran ] && exit 3; touch /ran; trap 'exit 0' TERM; sleep 1000 & wait";
    const never = 'healthcheck: { test: [CMD, "false"], interval: 1s, start_period: 600s }';
    await writeShop(shop, `command: [sh, -c, "${once}"]\n    ${never}`);
    const first = await run(shop, "good1", {}, { startMs: 5_000 });
    expect(first).toMatchObject({ outcome: "failed", cause: { cause: "start_timeout", service: "web" } });
    const before = await shop.ids("web");
    await writeShop(shop);
    const cancel = new AbortController();
    // What ran before was stopped by then.
    const onStep = (step: string, stage?: string): void => {
      if (step === "act" && stage === "retire") cancel.abort();
    };
    const result = await run(shop, "good2", { signal: cancel.signal, onStep });
    expect(result, shop.log.text()).toMatchObject({ outcome: "unverified", cause: { cause: "cancelled" } });
    expect(result.report.findings.map(({ check }) => check)).toContain("nothing_proven");
    expect(result.report.findings.map(({ check }) => check)).not.toContain("still_there");
    expect(await shop.ids("web")).toEqual(before);
    expect(shop.log.text()).toContain("It was not right before either, and the way back goes on");
  });

  // Before every other step: the kill suite, where it is known that the run is over. Here nobody knows, and its life is waited for.
  it("is recovered after it died before the traffic moved", async ({ shop }) => {
    await writeShop(shop);
    await shop.compose(["up", "-d", "--wait"]);
    const before = await shop.ids();
    // The run ends where it was; what it would still do is no part of a killed one.
    const killed = new Promise((resolve) => {
      const hold = async (step: string, name?: string): Promise<void> => {
        if (step !== "act" || name !== "shift") return;
        resolve(undefined);
        await new Promise(() => undefined);
      };
      void run(shop, "good2", { onStep: hold, lifeMs: 2_000_000 });
    });
    await killed;
    const recovery = await recover({ onAlive: "wait" }, portsOf(shop, await shop.target(), { lifeMs: 2_000 }));
    expect(recovery).toMatchObject({ kind: "recovered", deployments: [1], outcome: "rolled_back" });
    expect(await shop.ids()).toEqual(before);
    await answers(shop, "good1");
  });
});
