import type { RolloutEvent } from "@belay/rollout";
import { describe, expect } from "vitest";
import { it, type Shop, templateOf, workload } from "./kubernetes-space.ts";
import { deploymentOf, releaseOf, roll } from "./manifest-shop.ts";
import { ManifestStand } from "./manifest-stand.ts";

/*
 * What a person does by kubectl in the middle of a deployment: it is seen by the next look, and never overwritten. A release
 * that is to be given up (`unhealthy`) is waited for as long as a start may take, so that the change comes meanwhile.
 */

const NAMES = { web: "web" };
const IMAGE = "{.spec.template.spec.containers[0].image}";
/** Until a hand comes, on a busy machine. */
const UNREADY = { startMs: 120_000, deadlineMs: 240_000 } as const;
/** Longer than a command needs on a busy machine: it is still watched when the change comes. */
const WATCHED = { stableMs: 20_000 } as const;

/** Does something once, as soon as a pod of what the way wants is seen. */
function whenSeen(direction: "forward" | "back", act: () => Promise<unknown>) {
  let done: Promise<unknown> | undefined;
  const onEvent = (event: RolloutEvent): void => {
    if (event.kind !== "observed" || event.direction !== direction || done !== undefined) return;
    if (event.verdict.kind === "progressing" && event.services.some(({ wanted }) => wanted > 0)) done = act();
  };
  return { onEvent, acted: async () => expect(await done).toBeDefined() };
}

async function prepare(shop: Shop, replicas = 1): Promise<void> {
  await shop.apply([workload("Deployment", { replicas, template: templateOf(await shop.image("good1")) })]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
}

const setImage = async (shop: Shop): Promise<string> =>
  shop.kubectl("set", "image", "deployment/web", `web=${await shop.image("good3")}`);

describe.concurrent("in the middle of a deployment", { timeout: 400_000 }, () => {
  it("another image is left, and told with the name of who set it", async ({ shop }) => {
    await prepare(shop);
    const hand = whenSeen("forward", () => setImage(shop));
    const result = await shop.deploy(NAMES, { web: "unhealthy" }, UNREADY, hand);
    await hand.acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      leftOpen: false,
      report: {
        cause: {
          cause: "drifted",
          service: "web",
          detail: expect.stringContaining("(kubectl-set) changed deployment/web"),
        },
      },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
  });

  it("an undo by hand ends it, on the release before", async ({ shop }) => {
    await prepare(shop);
    const hand = whenSeen("forward", () => shop.kubectl("rollout", "undo", "deployment/web"));
    const result = await shop.deploy(NAMES, { web: "unhealthy" }, UNREADY, hand);
    await hand.acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "drifted", service: "web" },
      report: { running: [{ service: "web", ready: 1 }] },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
  });

  it.for([
    ["fewer", 2, 1],
    ["more", 1, 2],
  ] as const)("a scale of %s is kept, and the release succeeds with it", async ([, before, after], { shop }) => {
    await prepare(shop, before);
    const hand = whenSeen("forward", () => shop.kubectl("scale", "deployment/web", `--replicas=${after}`));
    const result = await shop.deploy(NAMES, { web: "good2" }, WATCHED, hand);
    await hand.acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "succeeded",
      report: { running: [{ service: "web", ready: after, desired: after }] },
    });
    expect(await shop.read("deployment/web", "{.spec.replicas}")).toBe(String(after));
  });

  it("a change on the way back is left as well", async ({ shop }) => {
    await prepare(shop);
    const hand = whenSeen("back", () => setImage(shop));
    const result = await shop.deploy(NAMES, { web: "wrong-command" }, WATCHED, hand);
    await hand.acted();
    expect(result, shop.log.text()).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
  });

  it("another image of what the manifests made is left, too", async ({
    stand: { cluster, images },
    onTestFinished,
  }) => {
    const shop = await ManifestStand.open(cluster);
    onTestFinished(() => shop.close());
    await shop.write({ "web.yaml": deploymentOf("web", { replicas: 1 }) });
    const first = await roll(shop, await releaseOf(images, { web: "good1" }));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    const { services } = await releaseOf(images, { web: "good3" });
    const other = `${services.web?.repository}@${services.web?.digest}`;
    const hand = whenSeen("forward", () => shop.kubectl("set", "image", "deployment/web", `web=${other}`));
    const result = await roll(shop, await releaseOf(images, { web: "unhealthy" }), {}, hand);
    await hand.acted();
    expect(result, result.log).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect(await shop.kubectl("get", "deployment/web", "--output", `jsonpath=${IMAGE}`)).toBe(other);
  });
});
