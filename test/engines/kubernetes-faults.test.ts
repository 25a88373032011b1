import { systemClock } from "@belay/core";
import { type KubernetesRig, type RegistryRig, startKubernetes, startRegistry, waitUntil } from "@belay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCatalogue } from "../contract/images.ts";
import { Shop, templateOf, workload } from "./kubernetes-space.ts";

/** A cluster of its own: parts of it are killed here. */
let cluster: KubernetesRig;
let registry: RegistryRig;
let shop: Shop;

beforeAll(async () => {
  [cluster, registry] = await Promise.all([startKubernetes(), startRegistry()]);
  shop = new Shop(cluster, await openCatalogue(registry), "belay-faults");
  await shop.create();
  await shop.apply([workload("Deployment", { replicas: 2, template: templateOf(await shop.image("good1")) })]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
});
afterAll(async () => {
  await registry?.stop();
  await cluster?.stop();
});

/** Kills the API server when a step begins, and starts it again after a while. */
function killing(
  step: string,
  downMs: number,
): { readonly onStep: (now: string) => Promise<void>; done(): Promise<void> } {
  let back: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await systemClock.sleep(downMs);
    await cluster.restart("apiserver");
  };
  const onStep = async (now: string): Promise<void> => {
    if (now !== step || back !== undefined) return;
    await cluster.end("apiserver", "SIGKILL");
    back = restart();
  };
  return { onStep, done: async () => back };
}

test("a deployment goes on when the API server was killed under its watch, and ends in the truth", async () => {
  const fault = killing("watch", 3_000);
  const good = await shop.deploy({ web: "web" }, { web: "good2" }, {}, { onStep: fault.onStep });
  await fault.done();
  expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
  expect(await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toBe(
    await shop.image("good2"),
  );
});

test("so does the way back", async () => {
  const fault = killing("restore act", 3_000);
  const bad = await shop.deploy({ web: "web" }, { web: "crash" }, {}, { onStep: fault.onStep });
  await fault.done();
  expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
  expect(await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toBe(
    await shop.image("good2"),
  );
});

test("when the only node is drained in mid-deploy, what runs in the end is proven, and the node is told as the cause", async () => {
  let drained: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    const node = await shop.read("nodes", "{.items[0].metadata.name}");
    await cluster.kubectl(["cordon", node]);
    await shop.kubectl("delete", "pods", "--selector", "app=web", "--wait=false");
    const waiting = async (): Promise<boolean> =>
      (await shop.read("events", "{.items[*].reason}")).includes("FailedScheduling");
    await waitUntil("pods have no node", waiting, { withinMs: 60_000, everyMs: 200 });
    await cluster.kubectl(["uncordon", node]);
  };
  const onStep = async (step: string): Promise<void> => {
    if (step === "watch") drained ??= drain();
  };
  const result = await shop.deploy({ web: "web" }, { web: "good3" }, {}, { onStep });
  await drained;
  // A release whose pods find no node for too long goes back; when the node is back soon enough, it goes on.
  const right = result.outcome === "succeeded" ? "good3" : "good2";
  if (result.outcome !== "succeeded") {
    expect(result, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { cause: "unschedulable" } });
  }
  expect(result, shop.log.text()).toMatchObject({ leftOpen: false, report: { running: [{ ready: 2, desired: 2 }] } });
  expect(await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toBe(await shop.image(right));
});

test("a cluster that was stopped left nothing on the machine", async () => {
  await cluster.stop();
  const nothing = { processes: [], mounts: [], networks: [], links: [], cgroups: [] };
  expect(await cluster.traces()).toEqual(nothing);
});
