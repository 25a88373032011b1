import { Redactor, type Release, systemClock, type Target } from "@belay/core";
import { connectKubernetes, createKubernetesTarget } from "@belay/kubernetes";
import { waitUntil } from "@belay/testkit";
import { describe, expect, type TestContext } from "vitest";
import { interposed } from "../contract/interposed.ts";
import { POLICY } from "../contract/policy.ts";
import { it, type Shop, templateOf, workload } from "./kubernetes-space.ts";

/* What happens in the moment between a look and a change: by a run that took over, or by a person. No pod is needed. */

const NAMES = { web: "web" };
const IMAGE = "{.spec.template.spec.containers[0].image}";
const contextOf = (deployment: number) =>
  ({ deployment, release: `sha256:${"0".repeat(64)}`, policy: POLICY }) as const;

/** A target of its own whose first change comes after `meanwhile`; closed with the test. */
async function delayed(
  { shop, onTestFinished }: Pick<TestContext, "onTestFinished"> & { readonly shop: Shop },
  meanwhile: () => Promise<unknown>,
): Promise<Target> {
  const ports = { log: shop.log, redactor: new Redactor(), clock: systemClock };
  const { kubeconfig } = shop.cluster;
  const api = await connectKubernetes({ kubeconfig, namespace: shop.scope.project, env: {}, ...ports });
  const services = { web: { workload: "web" } };
  const target = await createKubernetesTarget({
    ...{ scope: shop.scope, services, ...ports },
    api: interposed(api, once(meanwhile)),
  });
  onTestFinished(async () => {
    await target.close();
    await api.close();
  });
  return target;
}

/** It happens with the first change only. */
function once(work: () => Promise<unknown>): () => Promise<unknown> {
  let happened: Promise<unknown> | undefined;
  return () => {
    happened ??= work();
    return happened;
  };
}

async function prepare(shop: Shop): Promise<Release> {
  await shop.apply([workload("Deployment", { replicas: 0, template: templateOf(await shop.image("good1")) })]);
  return shop.release({ web: "good2" });
}

async function deployBy(target: Target, release: Release): Promise<Uint8Array> {
  const plan = await target.plan(release, POLICY);
  const snapshot = await target.snapshot(plan);
  for (const stage of target.execution(plan, contextOf(1)).stages) await stage.act(AbortSignal.timeout(60_000));
  return snapshot;
}

async function restoreBy(target: Target, snapshot: Uint8Array, deployment: number) {
  const execution = await target.restoration(snapshot, contextOf(deployment));
  for (const stage of execution.stages) await stage.act(AbortSignal.timeout(60_000));
  return execution;
}

const setImage = async (shop: Shop, variant: "good3"): Promise<void> => {
  await shop.kubectl("set", "image", "deployment/web", `web=${await shop.image(variant)}`);
};

describe.concurrent("between the look and the change", () => {
  it("a recoverer puts back: the woken run changes nothing", async ({ shop, onTestFinished }) => {
    const release = await prepare(shop);
    const target = await delayed({ shop, onTestFinished }, () =>
      shop.withTarget(NAMES, async (recoverer) => {
        const snapshot = await recoverer.snapshot(await recoverer.plan(release, POLICY));
        await restoreBy(recoverer, snapshot, 2);
      }),
    );
    await expect(deployBy(target, release)).rejects.toMatchObject({ code: "FENCED" });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
  });

  it("a recoverer puts back: so does a woken run that was on its own way back", async ({ shop, onTestFinished }) => {
    const release = await prepare(shop);
    const snapshot = await shop.withTarget(NAMES, (target) => deployBy(target, release));
    const target = await delayed({ shop, onTestFinished }, () =>
      shop.withTarget(NAMES, (recoverer) => restoreBy(recoverer, snapshot, 2)),
    );
    await expect(restoreBy(target, snapshot, 1)).rejects.toMatchObject({ code: "FENCED" });
    expect(await shop.read("deployment/web", "{.metadata.annotations.belay\\.dev/restored-by}")).toBe("2");
  });

  it("a status moves: the change is made all the same", async ({ shop, onTestFinished }) => {
    const release = await prepare(shop);
    const target = await delayed({ shop, onTestFinished }, () =>
      shop.kubectl("annotate", "deployment/web", "note=seen"),
    );
    await deployBy(target, release);
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good2"));
    expect(await shop.read("deployment/web", "{.metadata.annotations.note}")).toBe("seen");
  });

  it("a person sets another image: it is not overwritten", async ({ shop, onTestFinished }) => {
    const release = await prepare(shop);
    const target = await delayed({ shop, onTestFinished }, () => setImage(shop, "good3"));
    await expect(deployBy(target, release)).rejects.toMatchObject({
      code: "ENGINE_ERROR",
      message: expect.stringContaining("changed by somebody else"),
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
  });

  it("a person sets another image on the way back: it stays, and is told", async ({ shop, onTestFinished }) => {
    const release = await prepare(shop);
    const snapshot = await shop.withTarget(NAMES, (target) => deployBy(target, release));
    const target = await delayed({ shop, onTestFinished }, () => setImage(shop, "good3"));
    const { wanted } = await restoreBy(target, snapshot, 1);
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
    const { services } = await target.observe(wanted, AbortSignal.timeout(60_000));
    expect(services[0]?.conditions).toMatchObject([{ type: "drifted" }]);
    // Who comes next finds it so from the beginning.
    await shop.withTarget(NAMES, (recoverer) => restoreBy(recoverer, snapshot, 2));
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
  });
});

describe.concurrent("a deployment that fails", () => {
  it("leaves what a person made of the workload meanwhile, and says so", async ({ shop }) => {
    await shop.apply([workload("Deployment", { template: templateOf(await shop.image("good1")) })]);
    await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
    const onStep = async (step: string): Promise<void> => {
      if (step === "dossier") await setImage(shop, "good3");
    };
    const result = await shop.deploy(NAMES, { web: "crash" }, { stableMs: 10_000 }, { onStep });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rollback_failed",
      leftOpen: false,
      cause: { cause: "drifted", service: "web" },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good3"));
  });

  it("is told before that nobody knows whether there is a way back", async ({ shop }) => {
    const lost = `127.0.0.1:9/shop/web@sha256:${"1".repeat(64)}`;
    await shop.apply([workload("Deployment", { template: templateOf(lost) })]);
    const made = async (): Promise<boolean> => (await shop.kubectl("get", "pods", "--output", "name")) !== "";
    await waitUntil("its pod is there", made, { withinMs: 60_000, everyMs: 100 });
    await shop.withTarget(NAMES, async (target) => {
      const { findings } = await target.plan(await shop.release({ web: "good2" }), POLICY);
      const wayBack = { level: "cannot tell", check: "no_way_back", service: "web" };
      expect(findings).toContainEqual(expect.objectContaining(wayBack));
    });
  });
});
