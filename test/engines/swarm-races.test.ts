/** What somebody does just before a service is written, and what is left of a deployment before. */
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Docker, isOutOfSequence, type Services } from "@belay/docker";
import { deploy } from "@belay/rollout";
import { temporaryFolder, waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { it, type Shop } from "./swarm-services.ts";

/**
 * The shop's client: just before it sends an update while `isNow`, a person does something once, so that the version which that
 * names is not the newest any more. `refused`: how often the engine said so.
 */
function racing(shop: Shop, isNow: () => boolean, act: () => Promise<unknown>) {
  const seen = { acted: false, refused: 0 };
  const update: Services["update"] = async (id, version, spec, options) => {
    if (!seen.acted && isNow()) {
      seen.acted = true;
      await act();
    }
    try {
      return await shop.docker.services.update(id, version, spec, options);
    } catch (error) {
      if (isOutOfSequence(error)) seen.refused++;
      throw error;
    }
  };
  return { docker: { ...shop.docker, services: { ...shop.docker.services, update } } satisfies Docker, seen };
}

describe.concurrent("existing services of a swarm", () => {
  it.for([
    ["forward", "act", "good2", "succeeded"],
    ["on the way back", "restore act", "crash", "rolled_back"],
  ] as const)(
    "keep a scale that is set just before they are written, %s: what is written is made anew",
    async ([, at, variant, outcome], { shop }) => {
      await shop.create("good1");
      let now = "";
      const onStep = (step: string): void => {
        now = step;
      };
      const scale = () => shop.engine.docker(["service", "scale", "--detach", `${shop.name()}=3`]);
      const { docker, seen } = racing(shop, () => now === at, scale);
      const release = await shop.release({ web: variant });
      const result = await deploy({ release, policy: POLICY }, shop.ports(await shop.target({ docker }), { onStep }));
      expect(result, shop.log.text()).toMatchObject({ outcome, report: { running: [{ desired: 3 }] } });
      expect(seen.refused).toBeGreaterThan(0);
      const runs = await shop.pin(outcome === "succeeded" ? "good2" : "good1");
      await waitUntil("three tasks run", async () => (await shop.running()).length === 3, { withinMs: 30_000 });
      expect(new Set(await shop.running())).toEqual(new Set([runs]));
    },
  );

  it("are not overwritten when a person changes them just before they are written, and that is told", async ({
    shop,
  }) => {
    await shop.create("good1");
    const change = ["service", "update", "--detach", "--no-resolve-image", "--env-add", "HAND=made", shop.name()];
    const { docker, seen } = racing(
      shop,
      () => true,
      () => shop.engine.docker(change),
    );
    const release = await shop.release({ web: "good2" });
    const result = await deploy({ release, policy: POLICY }, shop.ports(await shop.target({ docker })));
    expect(seen.refused).toBe(1);
    const { Env, Image } = (await shop.inspect()).Spec.TaskTemplate.ContainerSpec ?? {};
    expect({ Env, Image }).toEqual({ Env: ["HAND=made"], Image: await shop.pin("good1") });
    expect(result, shop.log.text()).toMatchObject({ outcome: "rollback_failed", cause: { service: "web" } });
    expect(JSON.stringify([result.cause, result.report])).toContain("somebody else changed it");
  });

  it("are judged anew when a release that failed comes once more: its dead tasks of before don't count", async ({
    shop,
    onTestFinished,
  }) => {
    const source = await temporaryFolder("belay-mount");
    onTestFinished(() => source.remove());
    await mkdir(join(source.path, "data"));
    await shop.create("good1", [
      "--mount",
      `type=bind,source=${source.path}/data,target=/data`,
      "--update-order",
      "start-first",
    ]);
    await rename(join(source.path, "data"), join(source.path, "away"));
    const first = await shop.deploy({ web: "good2" });
    expect(first, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    await rename(join(source.path, "away"), join(source.path, "data"));
    const second = await shop.deploy({ web: "good2" });
    expect(second, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    const crashes = [await shop.deploy({ web: "crash" }), await shop.deploy({ web: "crash" })];
    const told = crashes.map(({ outcome, cause, report }) => {
      expect({ outcome, cause: cause?.cause }, shop.log.text()).toEqual({
        outcome: "rolled_back",
        cause: "crash_loop",
      });
      return report.evidence.map(({ instance }) => instance);
    });
    expect(told[0]?.length).toBeGreaterThan(0);
    expect(told[1]?.length).toBeGreaterThan(0);
    expect(told[1]).not.toEqual(expect.arrayContaining([told[0]?.[0]]));
  });
});
