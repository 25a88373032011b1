import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { it, ready, running, templateOf, workload } from "./kubernetes-space.ts";

describe.concurrent("a StatefulSet", () => {
  it("takes a good release pod by pod; a bad one goes, and the pod that it broke comes back", async ({ shop }) => {
    const spec = { replicas: 2, serviceName: "web", template: templateOf(await shop.image("good1")) };
    await shop.apply([workload("StatefulSet", spec)]);
    await ready(shop, "statefulset/web");
    const names = { web: "statefulset/web" };
    const good = await shop.deploy(names, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
    const right = [`${await shop.image("good2")} true`, `${await shop.image("good2")} true`];
    expect(await running(shop)).toEqual(right);
    const bad = await shop.deploy(names, { web: "crash" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { instance: "web-1" } });
    expect(await running(shop)).toEqual(right);
  });

  it("takes a good release although a pod that crashes is in its way", async ({ shop }) => {
    await shop.apply([
      workload("StatefulSet", { replicas: 2, serviceName: "web", template: templateOf(await shop.image("crash")) }),
    ]);
    const crashed = async (): Promise<boolean> =>
      Number(await shop.read("pods", "{.items[0].status.containerStatuses[0].restartCount}")) > 0;
    await waitUntil("its first pod has crashed", crashed, { withinMs: 120_000, everyMs: 200 });
    const good = await shop.deploy({ web: "statefulset/web" }, { web: "good1" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
  });

  it("takes a good release although a pod hangs that may still have become ready", async ({ shop }) => {
    await shop.apply([
      workload("StatefulSet", { replicas: 2, serviceName: "web", template: templateOf(await shop.image("good1")) }),
    ]);
    await ready(shop, "statefulset/web");
    await shop.kubectl("exec", "web-0", "--", "rm", "/www/healthz");
    const hangs = async (): Promise<boolean> => (await shop.read("statefulset/web", "{.status.readyReplicas}")) === "1";
    await waitUntil("it is not ready any more", hangs, { withinMs: 60_000, everyMs: 200 });
    const good = await shop.deploy({ web: "statefulset/web" }, { web: "good2" }, { startMs: 20_000 });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 2 }] } });
    expect(shop.log.text()).toMatch(/web-0 is not ready yet.+waited for[\s\S]+removing the pod web-0/);
  });

  it("that was not whole before goes back to what it was", async ({ shop }) => {
    const script = 'test "$HOSTNAME" = web-0';
    const readinessProbe = { exec: { command: ["sh", "-c", script] }, periodSeconds: 1, timeoutSeconds: 10 };
    const template = templateOf(await shop.image("good1"), { readinessProbe });
    await shop.apply([
      workload("StatefulSet", { replicas: 2, serviceName: "web", podManagementPolicy: "Parallel", template }),
    ]);
    const counted = async (): Promise<boolean> =>
      (await shop.read("statefulset/web", "{.status.readyReplicas} {.status.replicas}")) === "1 2";
    await waitUntil("one of two is ready", counted, { withinMs: 120_000, everyMs: 200 });
    const bad = await shop.deploy({ web: "statefulset/web" }, { web: "crash" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { instance: "web-1" } });
    expect(bad.report.running).toMatchObject([{ ready: 1, desired: 2 }]);
    // The one that nobody waits for may come a moment later.
    const image = await shop.image("good1");
    const right = [`${image} false`, `${image} true`].join();
    const isBack = async (): Promise<boolean> => (await running(shop)).join() === right;
    await waitUntil("both pods are back", isBack, { withinMs: 120_000, everyMs: 200 });
  });

  it("whose pods change only when somebody deletes them is refused", async ({ shop }) => {
    const updateStrategy = { type: "OnDelete" };
    const spec = { replicas: 1, serviceName: "web", updateStrategy, template: templateOf(await shop.image("good1")) };
    await shop.apply([workload("StatefulSet", spec)]);
    const result = await shop.deploy({ web: "sts/web" }, { web: "good2" });
    expect(result).toMatchObject({
      outcome: "refused",
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "on_delete" })]) },
    });
    expect(await shop.read("statefulset/web", "{.spec.template.spec.containers[0].image}")).toBe(
      await shop.image("good1"),
    );
  });

  it("misses a pod whose end somebody holds up, and has it back once that is over", async ({ shop }) => {
    await shop.apply([
      workload("StatefulSet", { replicas: 1, serviceName: "web", template: templateOf(await shop.image("good1")) }),
    ]);
    await ready(shop, "statefulset/web");
    const hold = (finalizers: readonly string[]): Promise<string> =>
      shop.kubectl("patch", "pod/web-0", "--type", "merge", "--patch", JSON.stringify({ metadata: { finalizers } }));
    await hold(["shop.example/hold"]);
    let released: Promise<unknown> | undefined;
    const onStep = async (step: string): Promise<void> => {
      if (step === "restore watch") released ??= hold([]);
      await released;
    };
    const result = await shop.deploy({ web: "sts/web" }, { web: "good2" }, { startMs: 20_000 }, { onStep });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "instance_missing", service: "web", detail: "0 of 1 exist, and no new one came for 20 s" },
      report: { running: [{ service: "web", ready: 1, desired: 1 }] },
    });
    expect(await running(shop)).toEqual([`${await shop.image("good1")} true`]);
  });

  it("that keeps some of its pods is refused", async ({ shop }) => {
    const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1 } };
    const spec = { replicas: 1, serviceName: "web", updateStrategy, template: templateOf(await shop.image("good1")) };
    await shop.apply([workload("StatefulSet", spec)]);
    const result = await shop.deploy({ web: "sts/web" }, { web: "good2" });
    expect(result).toMatchObject({
      outcome: "refused",
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "partition" })]) },
    });
  });
});
