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
/** Whoever only waits for the end of it is late. */
const PATIENCE = { startMs: 180_000, deadlineMs: 240_000 };
const IMAGE = "{.spec.template.spec.containers[0].image}";
const GENERATIONS = "{.metadata.generation} {.status.observedGeneration}";

type Kubectl = (...args: string[]) => Promise<string>;

/** Two workloads, `web` and `api`, of which a release changes only the first one. */
async function prepareTwo(shop: Shop) {
  const { other, hand } = await prepare(shop);
  const labels = { app: "api" };
  const template = { ...templateOf(await shop.image("good1")), metadata: { labels } };
  const api = workload("Deployment", { template, selector: { matchLabels: labels } }, { name: "api" });
  await shop.apply([api]);
  await shop.kubectl("rollout", "status", "deployment/api", "--timeout", "120s");
  const both = { web: "web", api: "api" };
  const first = await shop.deploy(both, { web: "good1", api: "good1" });
  expect(first.report.changes, shop.log.text()).toMatchObject([{ action: "unchanged" }, { action: "unchanged" }]);
  return { other, hand, both };
}

/** Acts once: the way has changed the workload, its controller has seen that, and the run is about to look. */
function inTheMiddle(step: "watch" | "restore watch", kubectl: Kubectl, act: () => Promise<unknown>) {
  let acts = 0;
  const isSeen = async (): Promise<boolean> => {
    const [wanted, seen] = (await kubectl("get", "deployment/web", "--output", `jsonpath=${GENERATIONS}`)).split(" ");
    return wanted === seen;
  };
  const onStep = async (now: string): Promise<void> => {
    if (now !== step || acts++ > 0) return;
    // Before that there is no revision to go back to.
    await waitUntil("the controller has seen the change", isSeen, { withinMs: 60_000, everyMs: 200 });
    await act();
  };
  return { onStep, acted: () => expect(acts).toBeGreaterThan(0) };
}

async function prepare(shop: Shop, replicas = 1) {
  await shop.apply([workload("Deployment", { replicas, template: templateOf(await shop.image("good1")) })]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  const other = await shop.image("good3");
  const kubectl: Kubectl = (...args) => shop.kubectl(...args);
  const hand = (step: "watch" | "restore watch", ...act: string[]) => inTheMiddle(step, kubectl, () => kubectl(...act));
  /** `kubectl replace --force`: removes it and makes another one. */
  const replace = (image: string) => {
    const input = JSON.stringify(workload("Deployment", { replicas: 1, template: templateOf(image) }));
    const args = ["--namespace", shop.scope.project, "replace", "--force", "--filename", "-"];
    return inTheMiddle("watch", kubectl, () => shop.cluster.kubectl(args, { input }));
  };
  return { other, hand, replace };
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

  it("a pause ends it: the old release is written, and comes when the person goes on", async ({ shop }) => {
    const { hand } = await prepare(shop);
    const { onStep, acted } = hand("watch", "rollout", "pause", "deployment/web");
    const result = await shop.deploy(NAMES, { web: "unhealthy" }, PATIENCE, { onStep });
    acted();
    const cause = { cause: "engine_paused", service: "web", detail: expect.stringContaining("(kubectl-rollout)") };
    expect(result, shop.log.text()).toMatchObject({ outcome: "rollback_failed", leftOpen: false, cause });
    expect(await shop.read("deployment/web", "{.spec.paused}")).toBe("true");
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
    await shop.kubectl("rollout", "resume", "deployment/web");
    await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
    const good = await shop.deploy(NAMES, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
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

  it.for([
    ["at once", "--cascade=background"],
    ["once its pods are gone", "--cascade=foreground"],
  ])("a workload that is removed, %s, comes back as it was, and it is told", async ([, cascade = ""], { shop }) => {
    const { hand } = await prepare(shop, 2);
    const { onStep, acted } = hand("watch", "delete", "deployment/web", cascade, "--wait=false");
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENCE, { onStep });
    acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      leftOpen: false,
      cause: { cause: "drifted", service: "web", detail: "somebody else removed deployment/web in between" },
      report: { running: [{ service: "web", ready: 2, desired: 2 }] },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
  });

  it("a workload that is replaced by force is judged as what it is then", async ({ shop }) => {
    const { replace } = await prepare(shop);
    const { onStep, acted } = replace(await shop.image("good2"));
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENCE, { onStep });
    acted();
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 1 }] } });
  });

  it("a workload that is replaced by another one is left", async ({ shop }) => {
    const { other, replace } = await prepare(shop);
    const { onStep, acted } = replace(other);
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENCE, { onStep });
    acted();
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      cause: { cause: "drifted", service: "web" },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(other);
  });

  it.for([
    ["removed", (): string[] => ["delete", "deployment/api"], []],
    ["changed", (other: string): string[] => ["set", "image", "deployment/api", `web=${other}`], ["api"]],
  ] as const)("what the release does not touch and is %s is left, and told", async ([what, act, left], { shop }) => {
    const { other, hand, both } = await prepareTwo(shop);
    const { onStep, acted } = hand("watch", ...act(other));
    const result = await shop.deploy(both, { web: "good2", api: "good1" }, PATIENCE, { onStep });
    acted();
    const cause = { cause: "drifted", service: "api", detail: expect.stringContaining(`${what} deployment/api`) };
    expect(result, shop.log.text()).toMatchObject({ outcome: "rollback_failed", leftOpen: false, cause });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
    expect(result.report.running.map(({ service }) => service)).toEqual(["web", ...left]);
    if (what === "changed") expect(await shop.read("deployment/api", IMAGE)).toBe(other);
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
    const kubectl: Kubectl = (...args) => shop.kubectl(...args);
    const { onStep, acted } = inTheMiddle("watch", kubectl, () => kubectl(...act));
    const result = await roll(shop, await releaseOf(images, { web: "unhealthy" }), {}, { onStep });
    acted();
    expect(result, result.log).toMatchObject({ outcome: "rollback_failed", cause: { cause: "drifted" } });
    expect(await shop.kubectl("get", "deployment/web", "--output", `jsonpath=${IMAGE}`)).toBe(other);
  });
});
