import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { describe, expect } from "vitest";
import { type BundleResult, runBundle } from "../bundles/run-bundle.ts";
import { PORT, type VariantName } from "../contract/variants.ts";
import { bindRole, kubeconfigOf } from "./bind-role.ts";
import { it, ready, running, type Shop, templateOf, workload } from "./kubernetes-space.ts";

/* `health:` of belay.yaml on a cluster: asked of each pod by the bundled action, which may do no more than the shipped Role says. */

/** It asks for the page, so that the kubelet does not see what the probes of belay.yaml see. */
const BY_KUBELET = {
  readinessProbe: { httpGet: { path: "/", port: PORT }, periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 10 },
};
const WGET = ["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${PORT}/healthz`];
/** A program inside a pod starts slowly where much else goes on. */
const PATIENT = { service: "web", from: "instance", interval: "1s", timeout: "20s", retries: 1 };

type Step = (variant: VariantName, inputs?: Readonly<Record<string, string>>) => Promise<BundleResult>;

type OnTestFinished = (work: () => Promise<void>) => void;

/** The first release runs, and the account of the Role is about to deploy with this probe. */
async function openJob(shop: Shop, onTestFinished: OnTestFinished, check: object, probes = true): Promise<Step> {
  const { path: folder, remove } = await temporaryFolder("belay-probes");
  onTestFinished(remove);
  await shop.apply([
    workload("Deployment", { replicas: 2, template: templateOf(await shop.image("good1"), BY_KUBELET) }),
  ]);
  await ready(shop, "deployment/web");
  await bindRole(shop, { probes });
  const kubeconfig = join(folder, "kubeconfig.json");
  await writeFile(kubeconfig, await kubeconfigOf(shop, "belay"), { mode: 0o600 });
  return async (variant, inputs = {}) => {
    const release = await shop.release({ web: variant });
    const belay = {
      version: 1,
      application: "shop",
      services: { web: { image: release.services.web?.repository } },
      environments: {
        test: {
          target: { kind: "kubernetes", namespace: shop.scope.project },
          // Longer than the bad release is healthy.
          rollout: { stable: "15s", start: "90s", deadline: "150s" },
          health: [{ ...PATIENT, ...check }],
        },
      },
    };
    await writeFile(join(folder, "belay.yaml"), JSON.stringify(belay));
    await writeFile(join(folder, "release.json"), JSON.stringify(release));
    return runBundle("deploy/index", {
      cwd: folder,
      inputs: { release: "release.json", comment: "false", ...inputs },
      env: { GITHUB_ACTIONS: "true", KUBECONFIG: kubeconfig },
    });
  };
}

describe.concurrent("a release on a cluster", { timeout: 400_000 }, () => {
  it.for([
    ["a program in each pod", { command: WGET }, /probe command wget .* of \S+: passing/g],
    ["each pod by its address", { http: `http://:${PORT}/healthz` }, /probe http GET .* of \S+: passing/g],
  ] as const)(
    "of which only the probe says that it is ill (%s) is taken off",
    async ([_who, check, asked], { shop, onTestFinished }) => {
      const step = await openJob(shop, onTestFinished, check);
      const good = await step("good2", { stable: "1s" });
      expect(good.outputs, good.stdout).toMatchObject({ outcome: "succeeded" });
      expect(good.stdout.match(asked)).toHaveLength(2);

      const bad = await step("sickens");
      expect(bad.outputs, bad.stdout).toMatchObject({ outcome: "rolled_back", cause: "probe_failed" });
      await ready(shop, "deployment/web");
      expect(await running(shop)).toEqual(Array(2).fill(`${await shop.image("good2")} true`));
    },
  );

  it("is refused when its probes run programs in pods and the Role has no rule for it", async ({
    shop,
    onTestFinished,
  }) => {
    const step = await openJob(shop, onTestFinished, { command: WGET }, false);
    const refused = await step("good2");
    expect(refused.outputs, refused.stdout).toMatchObject({ outcome: "refused", cause: "preflight" });
    expect(refused.stdout).toContain("may not get pods/exec in the namespace");
    expect(await running(shop)).toEqual(Array(2).fill(`${await shop.image("good1")} true`));
  });
});
