import { createApplyVerb, removeObject, type SavedObject } from "@belay/kubernetes";
import { createTestLog, waitUntil } from "@belay/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ImageCatalogue } from "../contract/images.ts";
import { interposed } from "../contract/interposed.ts";
import { deploymentOf, openTarget, POLICY, releaseOf } from "./manifest-shop.ts";
import { type ManifestStand, objectOf } from "./manifest-stand.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* What stands between manifests and their way back, on a real API server. No pod is needed. */

let images: ImageCatalogue;
let stand: ManifestStand;
useManifestStands((opened, catalogue) => {
  stand = opened;
  images = catalogue;
});

const IMAGE = "jsonpath={.spec.template.spec.containers[0].image}";
const imageOf = (): Promise<string> => stand.kubectl("get", "deployment/web", "-o", IMAGE);
const restoredBy = (number: number) => ({ labels: {}, annotations: { "belay.dev/restored-by": String(number) } });

describe("the way back of manifests", () => {
  it("that another run has gone meanwhile is not gone again by one that was woken", async () => {
    await stand.write({ "web.yaml": deploymentOf("web", { replicas: 0 }) });
    await stand.applyAll(await stand.render(await releaseOf(images, { web: "good1" })), 1);
    const state = await stand.render(await releaseOf(images, { web: "good2" }));
    await stand.applyAll(state, 2);
    const desired = objectOf(state, "deployment/web");
    const saved: SavedObject = stand.verb.save(desired, await stand.api.get(desired));
    await stand.applyAll(await stand.render(await releaseOf(images, { web: "good3" })), 3);
    let happened: Promise<unknown> | undefined;
    const meanwhile = (): Promise<unknown> => {
      happened ??= stand.verb.restore(saved, restoredBy(4), stand.signal);
      return happened;
    };
    const woken = createApplyVerb(interposed(stand.api, meanwhile), stand.scope);
    await expect(woken.restore(saved, restoredBy(3), stand.signal)).rejects.toMatchObject({ code: "FENCED" });
    const { annotations } = (await stand.get("deployment", "web")).metadata;
    expect(annotations).toMatchObject({ "belay.dev/restored-by": "4" });
  });

  it("that another run has gone meanwhile does not end in a removal by one that was woken", async () => {
    await stand.write({ "web.yaml": deploymentOf("web", { replicas: 0 }) });
    const state = await stand.render(await releaseOf(images, { web: "good1" }));
    await stand.applyAll(state, 1);
    const key = objectOf(state, "deployment/web");
    const before = await stand.get("deployment", "web");
    const saved: SavedObject = stand.verb.save(key, before);
    let happened: Promise<unknown> | undefined;
    const meanwhile = (): Promise<unknown> => {
      happened ??= stand.verb.restore(saved, restoredBy(4), stand.signal);
      return happened;
    };
    const removal = { key, before, marks: restoredBy(3) };
    const woken = removeObject(interposed(stand.api, meanwhile), stand.scope, removal, stand.signal);
    await expect(woken).rejects.toMatchObject({ code: "FENCED" });
    const { annotations, uid } = (await stand.get("deployment", "web")).metadata;
    expect(annotations).toMatchObject({ "belay.dev/restored-by": "4" });
    // Nobody else is at it: it goes, and once more is no error.
    for (const _ of [1, 2])
      await removeObject(stand.api, stand.scope, { ...removal, marks: restoredBy(5) }, stand.signal);
    expect(await stand.api.get(key)).toBeUndefined();
    expect(uid).toBe(before.metadata.uid);
  });

  it("that can't be tried out first is gone all the same", async () => {
    await stand.write({ "web.yaml": deploymentOf("web", { replicas: 0 }) });
    const target = await openTarget(stand, createTestLog());
    onTestFinished(() => target.close());
    const change = async (variant: "good1" | "good2", deployment: number): Promise<Uint8Array> => {
      const plan = await target.plan(await releaseOf(images, { web: variant }), POLICY);
      const snapshot = await target.snapshot(plan);
      const context = { deployment, release: `sha256:${"0".repeat(64)}`, policy: POLICY } as const;
      for (const stage of target.execution(plan, context).stages) await stage.act(stand.signal);
      return snapshot;
    };
    await change("good1", 1);
    const before = await imageOf();
    const snapshot = await change("good2", 2);
    expect(await imageOf()).not.toBe(before);
    await forbidDryRuns();
    const context = { deployment: 2, release: `sha256:${"0".repeat(64)}`, policy: POLICY } as const;
    const { stages, wanted } = await target.restoration(snapshot, context);
    for (const stage of stages) await stage.act(stand.signal);
    expect(await imageOf()).toBe(before);
    const { services } = await target.observe(wanted, stand.signal);
    expect(services).toMatchObject([{ name: wanted[0]?.service, conditions: [] }]);
  });
});

/** As a validating webhook that refuses what it does not understand. */
async function forbidDryRuns(): Promise<void> {
  const name = `no-dry-runs.${stand.namespace}`;
  const kind = (which: string, spec: object) => ({
    ...{ apiVersion: "admissionregistration.k8s.io/v1", kind: which, metadata: { name }, spec },
  });
  const resourceRules = [
    { apiGroups: ["apps"], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["deployments"] },
  ];
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": stand.namespace } };
  const validations = [{ expression: "!has(request.dryRun) || !request.dryRun", message: "no dry runs here" }];
  const policy = kind("ValidatingAdmissionPolicy", { matchConstraints: { resourceRules }, validations });
  const binding = kind("ValidatingAdmissionPolicyBinding", {
    policyName: name,
    validationActions: ["Deny"],
    matchResources: { namespaceSelector },
  });
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [policy, binding] });
  await stand.pipe(list, "apply");
  onTestFinished(() => stand.pipe(list, "delete", "--ignore-not-found"));
  const isRefused = () =>
    stand.kubectl("annotate", "deployment/web", "note=tried", "--dry-run=server").then(
      () => false,
      () => true,
    );
  await waitUntil("the policy holds", isRefused, { withinMs: 60_000, everyMs: 200 });
}
