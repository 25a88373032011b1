import { waitUntil } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import type { ImageCatalogue } from "../contract/images.ts";
import { CRASH_LINE } from "../contract/variants.ts";
import { configOf, deploymentOf, releaseOf, roll, secretOf, serviceOf } from "./manifest-shop.ts";
import type { ManifestStand } from "./manifest-stand.ts";
import { startWebhook } from "./start-webhook.ts";
import { useManifestStands } from "./use-manifest-stands.ts";

/* Manifests on a real node, by the whole way of a deployment; looked at with the plain kubectl. */

const READS = "          envFrom: [{ configMapRef: { name: settings } }]";
const JOB =
  "---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate }\nspec: { backoffLimit: 0, template: { spec: { restartPolicy: Never, containers: [{ name: migrate, image: migrate }] } } }\n";
const WEB = (level: string) => configOf("settings", level) + deploymentOf("web", { container: READS });

let images: ImageCatalogue;
let stand: ManifestStand;
useManifestStands((opened, catalogue) => {
  stand = opened;
  images = catalogue;
});

const image = async (variant: Parameters<ImageCatalogue["identity"]>[0]) => {
  const { repository, digest } = await images.identity(variant);
  return `${repository}@${digest}`;
};

/** Image and LEVEL of every pod that runs, each once. */
async function running(app = "web"): Promise<readonly string[]> {
  const list = JSON.parse(await stand.kubectl("get", "pods", "-l", `app=${app}`, "-o", "json")) as {
    items: { metadata: { name: string; deletionTimestamp?: string }; spec: { containers: { image: string }[] } }[];
  };
  const alive = list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const seen = alive.map(async ({ metadata, spec }) => {
    const level = await stand.kubectl("exec", metadata.name, "--", "sh", "-c", "echo $LEVEL");
    return `${spec.containers[0]?.image} ${level.trim()}`.trim();
  });
  return [...new Set(await Promise.all(seen))];
}

interface Pod {
  readonly metadata: { readonly creationTimestamp: string };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly lastTransitionTime: string }[];
    readonly containerStatuses: readonly {
      readonly state: { readonly terminated?: { readonly finishedAt: string } };
    }[];
  };
}

async function podsOf(selector: string): Promise<readonly Pod[]> {
  return (JSON.parse(await stand.kubectl("get", "pods", "-l", selector, "-o", "json")) as { items: readonly Pod[] })
    .items;
}

/** Whole seconds, as all times of the API. */
function readyAt({ status }: Pod): number {
  return Date.parse(status.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "");
}

/** `deployment/web` of each line `changed deployment/web (…)`, copies without the hash in their name. */
function orderIn(log: string, verb: "changed" | "put"): string[] {
  const lines = log.matchAll(new RegExp(`^info: ${verb} (\\S+)`, "gm"));
  return [...lines].map(([, title = ""]) => title.replace(/-[0-9a-f]{10}$/, ""));
}

const names = async (kind: string) =>
  (await stand.kubectl("get", kind, "-l", "belay.dev/scope,!belay.dev/record", "-o", "name"))
    .trim()
    .split("\n")
    .filter(Boolean)
    .sort();

/** A webhook of the cluster's owner that lets nobody remove objects of this kind from the namespace. */
async function keepAll(resource: "configmaps" | "deployments", onEnd: (done: () => Promise<void>) => void) {
  const webhook = await startWebhook();
  webhook.answer = () => ({ refused: KEPT });
  const name = `keep.${stand.namespace}`;
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        ...{ name: "keep.shop.example", clientConfig: webhook.clientConfig, failurePolicy: "Fail" },
        ...{ sideEffects: "None", admissionReviewVersions: ["v1"], timeoutSeconds: 10 },
        rules: [
          {
            ...{ apiGroups: [resource === "configmaps" ? "" : "apps"], apiVersions: ["v1"] },
            ...{ operations: ["DELETE"], resources: [resource] },
          },
        ],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": stand.namespace } },
      },
    ],
  };
  await stand.pipe(JSON.stringify(configuration), "apply");
  onEnd(async () => {
    await stand.kubectl("delete", "validatingwebhookconfiguration", name);
    await webhook.stop();
  });
  const dry = ["delete", resource, "--all", "--dry-run=server"] as const;
  const isAsked = async (): Promise<boolean> =>
    stand.kubectl(...dry).then(
      () => false,
      () => true,
    );
  await waitUntil("the webhook is asked", isAsked, { withinMs: 60_000, everyMs: 200 });
}

const KEPT = "nobody removes anything on a Friday";

describe("what a webhook lets nobody remove", () => {
  it("stays behind and is named, when it serves nobody: the release is good", async ({ onTestFinished }) => {
    await stand.write({ "web.yaml": WEB("info"), "old.yaml": configOf("plain", "1") });
    expect((await roll(stand, await releaseOf(images, { web: "good1" }))).outcome).toBe("succeeded");
    await stand.write({ "old.yaml": "# gone\n" });
    await keepAll("configmaps", onTestFinished);
    const good = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    expect(good.report.findings).toContainEqual({
      ...{ level: "warn", check: "left_behind" },
      message: expect.stringMatching(new RegExp(`^configmap/plain stays behind: .*${KEPT}`)),
      remedy: expect.stringContaining(`--namespace ${stand.namespace} delete configmap/plain`),
    });
    expect(await names("configmap")).toContain("configmap/plain");
    expect(await running()).toEqual([`${await image("good2")} info`]);
  });

  it("takes the release off as a whole, when it is a service, which would go on to serve", async ({
    onTestFinished,
  }) => {
    await stand.write({ "web.yaml": WEB("info"), "old.yaml": deploymentOf("old", { replicas: 1 }) });
    const both = await releaseOf(images, { web: "good1", old: "good1" });
    expect((await roll(stand, both)).outcome).toBe("succeeded");
    await stand.write({ "old.yaml": "# gone\n" });
    await keepAll("deployments", onTestFinished);
    const result = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(result, result.log).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "start_failed", service: "old", detail: expect.stringContaining(KEPT) },
    });
    expect(await running()).toEqual([`${await image("good1")} info`]);
    expect(await running("old")).toEqual([await image("good1")]);
  });
});

describe("manifests on a node", () => {
  it("come up, are unchanged, change, and a configuration goes back together with its image after a crash", async () => {
    await stand.write({ "web.yaml": WEB("info") + serviceOf("web") });
    const good = await releaseOf(images, { web: "good1" });
    const first = await roll(stand, good);
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    expect(await running()).toEqual([`${await image("good1")} info`]);
    expect(first.report.running).toMatchObject([{ service: "web", ready: 2, desired: 2 }]);

    expect((await roll(stand, good)).outcome).toBe("unchanged");

    await stand.write({ "web.yaml": WEB("debug") + serviceOf("web") });
    const config = await roll(stand, good);
    expect(config, config.log).toMatchObject({ outcome: "succeeded" });
    expect(await running()).toEqual([`${await image("good1")} debug`]);

    await stand.write({ "web.yaml": WEB("trace") + serviceOf("web") + secretOf("said", CRASH_LINE) });
    const before = await names("configmap");
    const bad = await roll(stand, await releaseOf(images, { web: "crash" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { cause: "crash_loop" } });
    expect(bad.report.evidence.map(({ logLines }) => logLines.at(-1))).toContain("***");
    expect(`${JSON.stringify(bad.report)}${bad.log}`).not.toContain(CRASH_LINE);
    expect(await running()).toEqual([`${await image("good1")} debug`]);
    expect(await names("configmap")).toEqual(before);
  });

  it("lose what they no longer have only after the release was proven, and have it again on the way back", async () => {
    await stand.write({
      "web.yaml": WEB("info") + serviceOf("web"),
      "old.yaml": configOf("plain", "1") + serviceOf("old"),
    });
    expect((await roll(stand, await releaseOf(images, { web: "good1" }))).outcome).toBe("succeeded");
    await stand.write({ "old.yaml": "# gone\n" });
    const bad = await roll(stand, await releaseOf(images, { web: "crash" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back" });
    expect(await names("service")).toEqual(["service/old", "service/web"]);
    const good = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(good, good.log).toMatchObject({ outcome: "succeeded" });
    expect(await names("service")).toEqual(["service/web"]);
    expect((await names("configmap")).filter((name) => name === "configmap/plain")).toEqual([]);
  });

  it("change in the order that they say, each when the one before is ready, and go back in reverse", async () => {
    const behind = (names: string) => (text: string) =>
      text.replace("metadata: {", `metadata: { annotations: { belay.dev/depends-on: "${names}" },`);
    const files = {
      "web.yaml": behind("deployment/api")(deploymentOf("web")),
      "api.yaml": behind("db, migrate")(deploymentOf("api")),
      "migrate.yaml": behind("db")(JOB),
      "db.yaml": deploymentOf("db", { replicas: 1 }),
    };
    await stand.write(files);
    const release = (web: "good1" | "crash", others: "good1" | "good2") =>
      releaseOf(images, { web, api: others, db: others, migrate: "job-done1" });
    const first = await roll(stand, await release("good1", "good1"));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    expect(orderIn(first.log, "changed")).toEqual(["deployment/db", "job/migrate", "deployment/api", "deployment/web"]);
    const ready = async (app: string) => Math.max(...(await podsOf(`app=${app}`)).map(readyAt));
    const began = async (app: string) =>
      Math.min(...(await podsOf(`app=${app}`)).map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
    for (const [before, later] of [
      ["db", "api"],
      ["api", "web"],
    ] as const) {
      expect(await began(later)).toBeGreaterThanOrEqual(await ready(before));
    }
    const bad = await roll(stand, await release("crash", "good2"));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    expect(orderIn(bad.log, "changed").filter((title) => !title.startsWith("job/"))).toEqual([
      ...["deployment/db", "deployment/api", "deployment/web"],
    ]);
    expect(orderIn(bad.log, "put").filter((title) => !title.startsWith("job/"))).toEqual([
      ...["deployment/web", "deployment/api", "deployment/db"],
    ]);
    expect(await running("api")).toEqual([await image("good1")]);
  });

  it("run their Job before the workloads, once per release, and go back when it fails", async () => {
    const cron = `---\napiVersion: batch/v1\nkind: CronJob\nmetadata: { name: nightly }\nspec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: a, image: nightly }] } } } } }\n`;
    await stand.write({ "web.yaml": WEB("info"), "job.yaml": JOB + cron });
    const jobs = async (web: "good1" | "good2", migrate: "job-done1" | "job-fails") =>
      releaseOf(images, { web, migrate, nightly: web === "good1" ? "job-done1" : "job-done2" });
    const first = await roll(stand, await jobs("good1", "job-done1"));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    const nightly = () => stand.kubectl("get", "cronjob/nightly", "-o", "jsonpath={..containers[0].image}");
    expect(await nightly()).toBe(await image("job-done1"));
    const [migrated] = await podsOf("job-name");
    const began = (await podsOf("app=web")).map(({ metadata }) => Date.parse(metadata.creationTimestamp));
    const ended = Date.parse(migrated?.status.containerStatuses[0]?.state.terminated?.finishedAt ?? "");
    expect(Math.min(...began)).toBeGreaterThanOrEqual(ended);
    const bad = await roll(stand, await jobs("good2", "job-fails"));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back" });
    expect(await running()).toEqual([`${await image("good1")} info`]);
    expect(await names("jobs")).toHaveLength(1);
    expect(await nightly()).toBe(await image("job-done1"));
    expect((await roll(stand, await jobs("good1", "job-done1"))).outcome).toBe("unchanged");
  });

  it("do not miss a Job that has gone by itself once it was done", { timeout: 300_000 }, async () => {
    const brief = JOB.replace("backoffLimit: 0", "backoffLimit: 0, ttlSecondsAfterFinished: 9");
    await stand.write({ "web.yaml": WEB("info"), "job.yaml": brief });
    const isGone = async (): Promise<boolean> => (await names("jobs")).length === 0;
    let held = 0;
    const onStep = async (step: string, stage = ""): Promise<void> => {
      if (step !== "act" || !stage.includes("web")) return;
      await waitUntil("the Job has gone", isGone, { withinMs: 90_000, everyMs: 200 });
      held++;
    };
    const release = await releaseOf(images, { web: "good1", migrate: "job-done1" });
    const result = await roll(stand, release, { deadlineMs: 240_000 }, { onStep });
    expect(held, result.log).toBeGreaterThan(0);
    expect(result, result.log).toMatchObject({ outcome: "succeeded" });
    expect(result.report.findings).toContainEqual(expect.objectContaining({ check: "brief_job", service: "migrate" }));
  });

  it("are put right by the next run when one leaves in the middle", async () => {
    await stand.write({ "web.yaml": WEB("info"), "plain.yaml": configOf("plain", "1") });
    const good = await releaseOf(images, { web: "good1" });
    expect((await roll(stand, good)).outcome).toBe("succeeded");
    const before = (await stand.get("deployment", "web")).spec;
    await stand.write({ "web.yaml": WEB("debug") + serviceOf("web"), "plain.yaml": configOf("plain", "2") });
    const leave = new AbortController();
    const changed = async () => (await stand.get("configmap", "plain")).data;
    const left = await roll(
      stand,
      await releaseOf(images, { web: "unhealthy" }),
      { onCancel: "leave" },
      {
        signal: leave.signal,
        onEvent: ({ kind }) => kind === "observed" && leave.abort(new Error("the runner is gone")),
      },
    );
    expect(left, left.log).toMatchObject({ leftOpen: true });
    expect(await changed()).toEqual({ LEVEL: "2" });
    await stand.write({ "web.yaml": WEB("info"), "plain.yaml": configOf("plain", "1") });
    const next = await roll(stand, good);
    expect(next, next.log).toMatchObject({ outcome: "unchanged", recovered: [{ outcome: "rolled_back" }] });
    expect((await stand.get("deployment", "web")).spec).toEqual(before);
    expect(await changed()).toEqual({ LEVEL: "1" });
    expect(await names("service")).toEqual([]);
    expect(await running()).toEqual([`${await image("good1")} info`]);
  });

  it("that can't be are refused with nothing touched", async () => {
    await stand.write({ "web.yaml": WEB("info") });
    expect((await roll(stand, await releaseOf(images, { web: "good1" }))).outcome).toBe("succeeded");
    const state = async () => stand.kubectl("get", "deployments,configmaps,pods", "-o", "json");
    const before = JSON.parse(await state()) as { items: { metadata: { uid: string; generation?: number } }[] };
    await stand.write({ "web.yaml": WEB("debug").replaceAll("app: web }", "app: front }") });
    const refused = await roll(stand, await releaseOf(images, { web: "good2" }));
    expect(refused).toMatchObject({ outcome: "refused" });
    expect(JSON.stringify(refused.report)).toContain("immutable_field");
    const after = JSON.parse(await state()) as typeof before;
    const facts = ({ items }: typeof before) =>
      items.map(({ metadata: { uid, generation } }) => `${uid} ${generation}`).sort();
    expect(facts(after)).toEqual(facts(before));
  });

  it("whose pods read what is not there are refused, each file by its name", async () => {
    await stand.kubectl("create", "secret", "generic", "tokens", "--from-literal", "api=not-so-secret");
    const container = `          envFrom: [{ configMapRef: { name: settings } }, { configMapRef: { name: nowhere } }, { secretRef: { name: maybe, optional: true } }]
          env:
            - { name: API, valueFrom: { secretKeyRef: { name: tokens, key: api } } }
            - { name: WEB, valueFrom: { secretKeyRef: { name: tokens, key: web } } }`;
    await stand.write({ "web.yaml": configOf("settings", "info") + deploymentOf("web", { container }) });
    const result = await roll(stand, await releaseOf(images, { web: "good1" }));
    expect(result, result.log).toMatchObject({ outcome: "refused", report: { cause: { cause: "preflight" } } });
    const found = result.report.findings.filter(({ level }) => level === "refuse").map(({ message }) => message);
    expect(found.sort()).toEqual([
      "the Secret tokens, which deployment/web needs, has no key web",
      "there is no ConfigMap nowhere, which deployment/web needs",
    ]);
    expect(JSON.stringify(result)).not.toContain("not-so-secret");
    expect(await names("deployments")).toEqual([]);
  });

  it("whose pods read what a controller of theirs may make are tried", async () => {
    const group = `keys${process.pid}.example`;
    const name = `makers.${group}`;
    const schema = { openAPIV3Schema: { type: "object" } };
    const spec = {
      ...{ group, scope: "Namespaced", names: { kind: "Maker", plural: "makers" } },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    };
    const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name } };
    await stand.pipe(JSON.stringify({ ...definition, spec }), "apply");
    try {
      await stand.kubectl("wait", `crd/${name}`, "--for=condition=Established", "--timeout=60s");
      const maker = `---\napiVersion: ${group}/v1\nkind: Maker\nmetadata: { name: tokens }\n`;
      const container = "          envFrom: [{ secretRef: { name: tokens } }]";
      await stand.write({ "web.yaml": maker + deploymentOf("web", { container }) });
      const release = await releaseOf(images, { web: "good1" });
      const onStep = async (step: string): Promise<void> => {
        if (step === "act") await stand.kubectl("create", "secret", "generic", "tokens", "--from-literal", "a=b");
      };
      const result = await roll(stand, release, {}, { onStep });
      expect(result.report.findings).toContainEqual(
        expect.objectContaining({
          level: "cannot tell",
          message: "there is no Secret tokens, which deployment/web needs, unless maker/tokens makes it",
        }),
      );
      expect(result, result.log).toMatchObject({ outcome: "succeeded" });
    } finally {
      await stand.kubectl("delete", "crd", name, "--wait=false");
    }
  });

  it("of a first deployment that fails are removed when that was asked for, but never their data", async () => {
    const claim =
      "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data }\nspec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }\n";
    await stand.write({ "web.yaml": WEB("info") + serviceOf("web") + claim });
    const bad = await roll(stand, await releaseOf(images, { web: "crash" }), { onFirstFailure: "remove" });
    expect(bad.outcome, bad.log).toBe("rolled_back");
    expect(await names("deployments,configmaps,services")).toEqual([]);
    expect(await names("persistentvolumeclaims")).toEqual(["persistentvolumeclaim/data"]);
  });

  it("leave an autoscaler's number alone on the way back, what others added, and what it takes away at the end", async () => {
    const scaler =
      "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web }\nspec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }, minReplicas: 1, maxReplicas: 3 }\n";
    await stand.write({ "web.yaml": WEB("info").replace("  replicas: 2\n", ""), "scaler.yaml": scaler });
    const first = await roll(stand, await releaseOf(images, { web: "good1" }));
    expect(first, first.log).toMatchObject({ outcome: "succeeded" });
    await stand.kubectl("scale", "deployment/web", "--replicas=2");
    await stand.kubectl("annotate", "deployment/web", "team.example/owner=ada");
    const bad = await roll(stand, await releaseOf(images, { web: "crash" }));
    expect(bad, bad.log).toMatchObject({ outcome: "rolled_back" });
    const { spec, metadata } = await stand.get("deployment", "web");
    expect((spec as { replicas: number }).replicas).toBe(2);
    expect(metadata.annotations).toMatchObject({ "team.example/owner": "ada" });
    expect(await running()).toEqual([`${await image("good1")} info`]);
    const isOne = async () => (await podsOf("app=web")).length === 1;
    const onStep = async (step: string): Promise<void> => {
      if (step !== "read back") return;
      await stand.kubectl("scale", "deployment/web", "--replicas=1");
      await waitUntil("only one is left", isOne, { withinMs: 90_000, everyMs: 200 });
    };
    const good = await roll(stand, await releaseOf(images, { web: "good2" }), {}, { onStep });
    expect(good, good.log).toMatchObject({ outcome: "succeeded", report: { running: [{ desired: 1, ready: 1 }] } });
  });
});
