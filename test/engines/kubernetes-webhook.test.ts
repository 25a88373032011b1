import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { it as base, type Shop, templateOf, workload } from "./kubernetes-space.ts";
import { startWebhook, type Webhook } from "./start-webhook.ts";

/*
 * A validating webhook of the cluster's owner (`failurePolicy: Fail`) that is away for a moment, as an injector that restarts, or
 * that refuses for good.
 */

const NAMES = { web: "web" };
const IMAGE = "{.spec.template.spec.containers[0].image}";
const REASON = "no pod without the label team";
/** A busy machine's controllers double the pause between two tries, too. */
const PATIENT = { startMs: 150_000, deadlineMs: 300_000 } as const;

// biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
const it = base.extend("webhook", async ({}, { onCleanup }) => {
  const webhook = await startWebhook();
  onCleanup(() => webhook.stop());
  return webhook;
});

const running = (shop: Shop): Promise<string> =>
  shop.kubectl("get", "pods", "--output", "jsonpath={.items[*].metadata.uid}");

/** Two pods of the first release, and the webhook asked about what of them is made or changed from now on. */
async function prepare(shop: Shop, webhook: Webhook, resource: "pods" | "deployments"): Promise<() => Promise<void>> {
  await shop.apply([workload("Deployment", { replicas: 2, template: templateOf(await shop.image("good1")) })]);
  await shop.kubectl("rollout", "status", "deployment/web", "--timeout", "120s");
  const namespace = shop.scope.project;
  const name = `webhook.${namespace}`;
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "rules.shop.example",
        clientConfig: webhook.clientConfig,
        rules: [
          {
            apiGroups: [resource === "pods" ? "" : "apps"],
            apiVersions: ["v1"],
            operations: ["CREATE", "UPDATE"],
            resources: [resource],
          },
        ],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        failurePolicy: "Fail",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        timeoutSeconds: 10,
      },
    ],
  };
  await shop.cluster.kubectl(["apply", "--filename", "-"], { input: JSON.stringify(configuration) });
  const isAsked = async (): Promise<boolean> => {
    const dry = resource === "pods" ? ["run", "probe", "--image", "probe"] : ["annotate", "deployment/web", "note=x"];
    await shop.kubectl(...dry, "--dry-run=server").catch(() => undefined);
    return webhook.count > 0;
  };
  await waitUntil("the webhook is asked", isAsked, { withinMs: 60_000, everyMs: 200 });
  return async () => {
    await shop.cluster.kubectl(["delete", "validatingwebhookconfiguration", name, "--ignore-not-found"]);
  };
}

/** What the cluster says of the pods that could not be made. */
const refusals = (shop: Shop): Promise<string> =>
  shop.kubectl("get", "replicasets", "--output", "jsonpath={.items[*].status.conditions[*].message}");

describe.concurrent("a webhook that fails", { timeout: 600_000 }, () => {
  it("at making pods for a while does no harm to a good release", async ({ shop, webhook, onTestFinished }) => {
    onTestFinished(await prepare(shop, webhook, "pods"));
    let failed = 0;
    webhook.answer = () => (++failed <= 8 ? "broken" : "allowed");
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENT);
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(failed).toBeGreaterThan(8);
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good2"));
  });

  it("at answering at all for a while does no harm either", async ({ shop, webhook, onTestFinished }) => {
    onTestFinished(await prepare(shop, webhook, "pods"));
    await webhook.hangUp();
    const back = async (): Promise<void> => {
      const isFelt = async (): Promise<boolean> => (await refusals(shop)).includes("failed calling webhook");
      await waitUntil("no pod can be made", isFelt, { withinMs: 120_000, everyMs: 200 });
      await webhook.listen();
    };
    const [result] = await Promise.all([shop.deploy(NAMES, { web: "good2" }, PATIENT), back()]);
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good2"));
  });

  it("in the moment of the change is asked again", async ({ shop, webhook, onTestFinished }) => {
    onTestFinished(await prepare(shop, webhook, "deployments"));
    let failed = 0;
    webhook.answer = ({ dryRun }) => (dryRun !== true && ++failed <= 3 ? "broken" : "allowed");
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENT);
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(failed).toBeGreaterThan(3);
  });
});

describe.concurrent("a webhook that goes on failing", { timeout: 600_000 }, () => {
  it("while it is planned is named, with what to do, and nothing is touched", async ({
    shop,
    webhook,
    onTestFinished,
  }) => {
    onTestFinished(await prepare(shop, webhook, "deployments"));
    const generation = await shop.read("deployment/web", "{.metadata.generation}");
    webhook.answer = () => "broken";
    const error = await shop.deploy(NAMES, { web: "good2" }, PATIENT).then(({ outcome }) => outcome, String);
    expect(error).toContain('failed calling webhook "rules.shop.example"');
    expect(error).toContain("The cluster asks its webhook rules.shop.example about each change");
    expect(await shop.read("deployment/web", "{.metadata.generation}")).toBe(generation);
  });
});

describe.concurrent("a webhook that refuses", { timeout: 600_000 }, () => {
  it("the pods is told with its reason, and the release is off again", async ({ shop, webhook, onTestFinished }) => {
    onTestFinished(await prepare(shop, webhook, "pods"));
    const before = await running(shop);
    webhook.answer = () => ({ refused: REASON });
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENT);
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      report: { cause: { cause: "quota", service: "web", detail: expect.stringContaining(REASON) } },
    });
    expect(await shop.read("deployment/web", IMAGE)).toBe(await shop.image("good1"));
    expect(await running(shop)).toBe(before);
  });

  it("the workload is told with its reason before anything is changed", async ({ shop, webhook, onTestFinished }) => {
    onTestFinished(await prepare(shop, webhook, "deployments"));
    const generation = await shop.read("deployment/web", "{.metadata.generation}");
    webhook.answer = () => ({ refused: REASON });
    const result = await shop.deploy(NAMES, { web: "good2" }, PATIENT);
    expect(result, shop.log.text()).toMatchObject({
      outcome: "refused",
      cause: { cause: "preflight", service: "web", detail: expect.stringContaining(REASON) },
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "change_refused" })]) },
    });
    expect(await shop.read("deployment/web", "{.metadata.generation}")).toBe(generation);
    expect(await shop.read("deployment/web", "{.metadata.labels}")).not.toContain("belay.dev");
  });
});
