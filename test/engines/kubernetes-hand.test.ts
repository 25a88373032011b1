import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { it, type Shop, templateOf, workload } from "./kubernetes-space.ts";
import { deploymentOf, releaseOf, roll } from "./manifest-shop.ts";
import { ManifestStand } from "./manifest-stand.ts";

/*
 * What a person does by kubectl in the middle of a deployment: it is seen by the next look, and never overwritten. The run
 * stands until the hand has acted, however long that takes.
 */

const NAMES = { web: "web" };
const IMAGE = "{.spec.template.spec.containers[0].image}";
const GENERATIONS = "{.metadata.generation} {.status.observedGeneration}";

type Kubectl = (...args: string[]) => Promise<string>;

/** Acts once: the way has changed the workload, its controller has seen that, and the run is about to look. */
function inTheMiddle(step: "watch" | "restore watch", kubectl: Kubectl, act: readonly string[]) {
  let acts = 0;
  const isSeen = async (): Promise<boolean> => {
    const [wanted, seen] = (await kubectl("get", "deployment/web", "--output", `jsonpath=${GENERATIONS}`)).split(" ");
    return wanted === seen;
  };
  const onStep = async (now: string): Promise<void> => {
    if (now !== step || acts++ > 0) return;
    // Before that there is no revision to go back to.
    await waitUntil("the controller has seen the change", isSeen, { withinMs: 60_000, everyMs: 200 });
    await kubectl(...act);
  };
  return { onStep, acted: () => expect(acts).toBeGreaterThan(0) };
}

async function prepare(shop: Shop, replicas = 1) {
  await shop.apply([workload("Deployment", { replicas, template: templateOf(await shop.image("good1")) })]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  const other = await shop.image("good3");
  const hand = (step: "watch" | "restore watch", ...act: string[]) =>
    inTheMiddle(step, (...args) => shop.kubectl(...args), act);
  return { other, hand };
}

describe.concurrent("in the middle of a deployment", { timeout: 400_000 }, () => {
  it("another image is left, and told with the name of who set it", async ({ shop }) => {
    const { other, hand } = await prepare(shop);
    const { onStep, acted } = hand("watch", "set", "image", "deployment/web", `web=${other}`);
    const result = await shop.deploy(NAMES, { web: "unhealthy" }, {}, { onStep });
    acted();
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
    expect(await shop.read("deployment/web", IMAGE)).toBe(other);
  });

  it("an undo by hand ends it, on the release before", async ({ shop }) => {
    const { hand } = await prepare(shop);
    const { onStep, acted } = hand("watch", "rollout", "undo", "deployment/web");
    const result = await shop.deploy(NAMES, { web: "unhealthy" }, {}, { onStep });
    acted();
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
    const { hand } = await prepare(shop, before);
    const { onStep, acted } = hand("watch", "scale", "deployment/web", `--replicas=${after}`);
    const result = await shop.deploy(NAMES, { web: "good2" }, {}, { onStep });
    acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "succeeded",
      report: { running: [{ service: "web", ready: after, desired: after }] },
    });
    expect(await shop.read("deployment/web", "{.spec.replicas}")).toBe(String(after));
  });

  it("a change on the way back is left as well", async ({ shop }) => {
    const { other, hand } = await prepare(shop);
    const { onStep, acted } = hand("restore watch", "set", "image", "deployment/web", `web=${other}`);
    const result = await shop.deploy(NAMES, { web: "wrong-command" }, {}, { onStep });
    acted();
    expect(result, shop.log.text()).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect(await shop.read("deployment/web", IMAGE)).toBe(other);
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
    const act = ["set", "image", "deployment/web", `web=${other}`];
    const { onStep, acted } = inTheMiddle("watch", (...args) => shop.kubectl(...args), act);
    const result = await roll(shop, await releaseOf(images, { web: "unhealthy" }), {}, { onStep });
    acted();
    expect(result, result.log).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect(await shop.kubectl("get", "deployment/web", "--output", `jsonpath=${IMAGE}`)).toBe(other);
  });
});
