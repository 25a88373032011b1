import { systemClock } from "@belay/core";
import { type KubernetesRig, type RegistryRig, startKubernetes, startRegistry } from "@belay/testkit";
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

test("a cluster that was stopped left nothing on the machine", async () => {
  await cluster.stop();
  const nothing = { processes: [], mounts: [], networks: [], links: [], cgroups: [] };
  expect(await cluster.traces()).toEqual(nothing);
});
