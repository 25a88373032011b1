import { waitUntil } from "@belay/testkit";
import { describe, expect } from "vitest";
import { POLICY } from "../contract/policy.ts";
import { it, ready, running, templateOf, workload } from "./kubernetes-space.ts";
import { runAdvice } from "./run-advice.ts";

describe.concurrent("a Deployment that is easily mistaken", () => {
  it("is not taken off for what its readiness probe says before it serves", async ({ shop }) => {
    await shop.apply([workload("Deployment", { replicas: 1, template: templateOf(await shop.image("good1")) })]);
    await ready(shop, "deployment/web");
    const result = await shop.deploy({ web: "deployment/web" }, { web: "slow" });
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(await running(shop)).toEqual([`${await shop.image("slow")} true`]);
    const told = (): Promise<string> =>
      shop.kubectl("get", "events", "--field-selector", "reason=Unhealthy", "--output", "jsonpath={.items[*].message}");
    const isTold = async (): Promise<boolean> => (await told()).includes("Readiness probe failed");
    await waitUntil("the engine tells of the probe", isTold, { withinMs: 60_000, everyMs: 500 });
  });

  it("goes back although its history keeps no ReplicaSet", async ({ shop }) => {
    const spec = { replicas: 1, revisionHistoryLimit: 0, template: templateOf(await shop.image("good1")) };
    await shop.apply([workload("Deployment", spec)]);
    await ready(shop, "deployment/web");
    const good = await shop.deploy({ web: "deployment/web" }, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    const bad = await shop.deploy({ web: "deployment/web" }, { web: "crash" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back", cause: { service: "web" } });
    expect(await running(shop)).toEqual([`${await shop.image("good2")} true`]);
  });

  it("without replicas, or with a budget that lets no pod go, is told of", async ({ shop }) => {
    const workloadOf = (replicas: number, image: string): object =>
      workload("Deployment", { replicas, template: templateOf(image) });
    await shop.apply([workloadOf(1, await shop.image("good1"))]);
    const release = await shop.release({ web: "good2" });
    const found = (): Promise<readonly string[]> =>
      shop.withTarget({ web: "deployment/web" }, async (target) => {
        const { findings } = await target.plan(release, POLICY);
        return findings.filter((one) => one.service === "web").map(({ level, check }) => `${level} ${check}`);
      });
    expect(await found()).toEqual(["warn owner_applied"]);
    const selector = { matchLabels: { app: "web" } };
    const budget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "all" } };
    await shop.apply([workloadOf(0, await shop.image("good1")), { ...budget, spec: { minAvailable: 1, selector } }]);
    const counted = async (): Promise<boolean> =>
      (await shop.read("poddisruptionbudget/all", "{.status.observedGeneration} {.status.disruptionsAllowed}")) ===
      "1 0";
    await waitUntil("the budget is counted", counted, { withinMs: 60_000, everyMs: 200 });
    const expected = ["warn disruption_budget", "warn no_replicas", "warn owner_applied"];
    expect([...(await found())].sort()).toEqual(expected);
  });

  it("of a Helm release that was broken off is told of", async ({ shop }) => {
    const owner = { "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": shop.scope.project };
    const spec = { replicas: 0, template: templateOf(await shop.image("good1")) };
    await shop.apply([workload("Deployment", spec, { annotations: owner }), helmRevision(3, "deployed")]);
    const release = await shop.release({ web: "good2" });
    const checks = (): Promise<readonly string[]> =>
      shop.withTarget({ web: "deployment/web" }, async (target) =>
        (await target.plan(release, POLICY)).findings.map(({ check }) => check),
      );
    expect(await checks()).not.toContain("helm_pending");
    await shop.apply([helmRevision(4, "pending-upgrade")]);
    expect(await checks()).toContain("helm_pending");
  });
});

/** A revision as Helm keeps it (`pkg/storage/driver/secrets.go`). */
function helmRevision(version: number, status: string): object {
  const labels = { owner: "helm", name: "shop", version: String(version), status };
  const metadata = { name: `sh.helm.release.v1.shop.v${version}`, labels };
  return { apiVersion: "v1", kind: "Secret", type: "helm.sh/release.v1", metadata, data: {} };
}

describe.concurrent("a DaemonSet", () => {
  it("takes a good release, and a bad one goes", async ({ shop }) => {
    await shop.apply([workload("DaemonSet", { template: templateOf(await shop.image("good1")) })]);
    await ready(shop, "daemonset/web");
    const names = { web: "daemonset/web" };
    const good = await shop.deploy(names, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({
      outcome: "succeeded",
      report: { running: [{ ready: 1, desired: 1 }] },
    });
    const bad = await shop.deploy(names, { web: "crash" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
    expect(await running(shop)).toEqual([`${await shop.image("good2")} true`]);
  });

  it("that fits no node is in place, and is said not to run", async ({ shop }) => {
    const template = templateOf(await shop.image("good1")) as { readonly spec: object };
    const spec = { ...template.spec, nodeSelector: { place: "nowhere" } };
    await shop.apply([workload("DaemonSet", { template: { ...template, spec } })]);
    const result = await shop.deploy({ web: "daemonset/web" }, { web: "good2" });
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ desired: 0 }] } });
    expect(result.report.findings).toContainEqual(expect.objectContaining({ check: "no_replicas", service: "web" }));
  });
});

describe.concurrent("a Deployment", () => {
  it("that is paused is refused", async ({ shop }) => {
    await shop.apply([workload("Deployment", { paused: true, template: templateOf(await shop.image("good1")) })]);
    const result = await shop.deploy({ web: "web" }, { web: "good2" });
    expect(result).toMatchObject({
      outcome: "refused",
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "paused" })]) },
    });
  });

  it("waits for a config that an operator makes a moment later than the pods", async ({ shop }) => {
    const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { LEVEL: "info" } };
    const template = templateOf(await shop.image("good1"), {
      volumeMounts: [{ name: "config", mountPath: "/etc/shop" }],
    });
    const volumes = [{ name: "config", configMap: { name: "settings" } }];
    const pod = { ...template, spec: { ...(template as { spec: object }).spec, volumes } };
    await shop.apply([config, workload("Deployment", { template: pod })]);
    await ready(shop, "deployment/web");
    const failed = async (): Promise<boolean> =>
      (await shop.kubectl("get", "events", "--field-selector", "reason=FailedMount", "--output", "name")) !== "";
    let made: Promise<unknown> | undefined;
    const onStep = async (step: string): Promise<void> => {
      if (step === "baseline") await shop.kubectl("delete", "configmap", "settings");
      if (step !== "watch") return;
      made ??= waitUntil("a pod has missed it", failed, { withinMs: 60_000, everyMs: 100 }).then(() =>
        shop.apply([config]),
      );
    };
    const result = await shop.deploy({ web: "web" }, { web: "good2" }, {}, { onStep });
    await made;
    expect(result, shop.log.text()).toMatchObject({ outcome: "succeeded" });
    expect(await running(shop)).toEqual([`${await shop.image("good2")} true`]);
  });

  it("whose owner gave it a deadline of its own is taken back when that is over", async ({ shop }) => {
    const template = templateOf(await shop.image("good1"));
    await shop.apply([workload("Deployment", { progressDeadlineSeconds: 5, template })]);
    await ready(shop, "deployment/web");
    const started = performance.now();
    const result = await shop.deploy({ web: "web" }, { web: "unhealthy" }, { startMs: 120_000 });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "start_timeout", detail: expect.stringContaining("has timed out progressing") },
    });
    expect(performance.now() - started).toBeLessThan(110_000);
    expect(await running(shop)).toEqual([`${await shop.image("good1")} true`]);
  });

  it("whose container takes its time to end is taken back as soon as the kubelet kills it", async ({ shop }) => {
    const more = {
      startupProbe: {
        httpGet: { path: "/healthz", port: 8080 },
        periodSeconds: 1,
        timeoutSeconds: 5,
        failureThreshold: 15,
      },
      lifecycle: { preStop: { sleep: { seconds: 100 } } },
    };
    const { metadata, spec } = templateOf(await shop.image("good1"), more) as { metadata: object; spec: object };
    const template = { metadata, spec: { ...spec, terminationGracePeriodSeconds: 110 } };
    await shop.apply([workload("Deployment", { template })]);
    await ready(shop, "deployment/web");
    const started = performance.now();
    const result = await shop.deploy({ web: "web" }, { web: "unhealthy" }, { startMs: 120_000 });
    expect(result, shop.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "startup_killed", detail: expect.stringContaining("the engine kills web-") },
    });
    expect(performance.now() - started).toBeLessThan(100_000);
    expect(await running(shop)).toEqual([`${await shop.image("good1")} true`]);
  });

  it("or a container that is not there is refused with the names of those that are", async ({ shop }) => {
    const missing = await shop.deploy({ web: "deployment/shop" }, { web: "good2" });
    expect(missing).toMatchObject({
      outcome: "refused",
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "workload_missing" })]) },
    });
    const { spec } = templateOf(await shop.image("good1")) as { spec: { containers: object[] } };
    const containers = [...spec.containers, { name: "sidecar", image: await shop.image("good1") }];
    const template = { metadata: { labels: { app: "web" } }, spec: { ...spec, containers } };
    await shop.apply([workload("Deployment", { template })]);
    const unclear = await shop.deploy({ api: "deployment/web" }, { api: "good2" });
    expect(unclear.report.findings).toMatchObject([
      { check: "container_missing", message: expect.stringContaining("web, sidecar") },
    ]);
  });

  it("keeps what it does not tell: a scale by an autoscaler, other labels, the user's own apply", async ({ shop }) => {
    const object = workload("Deployment", { template: templateOf(await shop.image("good1")) });
    await shop.apply([object]);
    await shop.kubectl("autoscale", "deployment/web", "--min", "1", "--max", "5", "--cpu-percent", "50");
    await shop.kubectl("scale", "deployment/web", "--replicas", "3");
    await shop.kubectl("label", "deployment/web", "team=shop");
    await ready(shop, "deployment/web");
    const bad = await shop.deploy({ web: "web" }, { web: "crash" });
    expect(bad, shop.log.text()).toMatchObject({ outcome: "rolled_back" });
    const good = await shop.deploy({ web: "web" }, { web: "good2" });
    expect(good, shop.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 3 }] } });
    expect(await shop.read("deployment/web", "{.spec.replicas} {.metadata.labels.team}")).toBe("3 shop");
    const [release, number, cause] = (
      await shop.read(
        "deployment/web",
        "{.metadata.annotations.belay\\.dev/release}|{.metadata.labels.belay\\.dev/deployment}|{.metadata.annotations.kubernetes\\.io/change-cause}",
      )
    ).split("|");
    expect([release, number]).toEqual([good.report.release?.digest, "2"]);
    expect(cause).toContain("deployment 2 to test");
    expect(await shop.read("deployment/web", "{.spec.template.metadata.labels}")).toBe('{"app":"web"}');
    // The user's own file goes on working: client-side as it is; server-side Belay has the image, as `kubectl set image` would.
    const serverSide = async (...more: string[]) => {
      const all = ["--namespace", shop.scope.project, "apply", "--server-side", "--dry-run=server", "--filename=-"];
      const path = "--output=jsonpath={.spec.template.spec.containers[0].image}";
      return shop.cluster.kubectl([...all, path, ...more], { input: JSON.stringify(object), allowedExitCodes: [0, 1] });
    };
    const conflict = await serverSide();
    expect([conflict.exitCode, conflict.stderr]).toEqual([1, expect.stringContaining('conflict with "belay"')]);
    expect(await serverSide("--force-conflicts")).toMatchObject({ exitCode: 0, stdout: await shop.image("good1") });
    await shop.apply([object]);
    expect(await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toBe(
      await shop.image("good1"),
    );
  });

  it("is put back by whoever comes next, and a request of the dead run that comes too late changes nothing", async ({
    shop,
  }) => {
    await shop.apply([workload("Deployment", { template: templateOf(await shop.image("good1")) })]);
    await ready(shop, "deployment/web");
    const seen = await shop.read("deployment/web", "{.metadata.resourceVersion}");
    await shop.withTarget({ web: "web" }, async (target) => {
      const plan = await target.plan(await shop.release({ web: "good2" }), POLICY);
      const snapshot = await target.snapshot(plan);
      const context = { deployment: 2, release: `sha256:${"0".repeat(64)}`, policy: POLICY } as const;
      // The dead run changed nothing yet: there is nothing to put back, and still its request must be too late.
      const { stages } = await target.restoration(snapshot, context);
      for (const stage of stages) await stage.act(AbortSignal.timeout(30_000));
    });
    const late = JSON.stringify([
      { op: "test", path: "/metadata/resourceVersion", value: seen },
      { op: "replace", path: "/spec/template/spec/containers/0/image", value: "late:1" },
    ]);
    const patch = ["--namespace", shop.scope.project, "patch", "deployment/web", "--type", "json", "--patch", late];
    const { exitCode } = await shop.cluster.kubectl(patch, { allowedExitCodes: [0, 1] });
    expect(exitCode).toBe(1);
    expect(await shop.read("deployment/web", "{.spec.template.spec.containers[0].image}")).toBe(
      await shop.image("good1"),
    );
  });

  it("goes back to an earlier deployment, three releases deep", async ({ shop }) => {
    await shop.apply([workload("Deployment", { template: templateOf(await shop.image("good1")) })]);
    await ready(shop, "deployment/web");
    const names = { web: "web" };
    const snapshots: Uint8Array[] = [];
    for (const variant of ["good2", "good3"] as const) {
      await shop.withTarget(names, async (target) => {
        snapshots.push(await target.snapshot(await target.plan(await shop.release({ web: variant }), POLICY)));
      });
      expect(await shop.deploy(names, { web: variant }), shop.log.text()).toMatchObject({ outcome: "succeeded" });
    }
    await shop.withTarget(names, async (target) => {
      const plan = await target.planRestoration(snapshots, POLICY);
      const { digest } = await shop.images.identity("good1");
      expect(plan).toMatchObject({ services: [{ service: "web", action: "update", to: { digests: [digest] } }] });
      const context = { deployment: 3, release: `sha256:${"0".repeat(64)}`, policy: POLICY } as const;
      const execution = target.execution(plan, context);
      for (const stage of execution.stages) await stage.act(AbortSignal.timeout(30_000));
      const wanted = execution.wanted[0]?.revision;
      const back = async (): Promise<boolean> => {
        const { services } = await target.observe(execution.wanted, AbortSignal.timeout(30_000));
        const current = services[0]?.instances.filter(({ phase }) => phase === "current") ?? [];
        return current.length === 1 && current.every((one) => one.ready && one.revision === wanted);
      };
      await waitUntil("the first release runs", back, { withinMs: 120_000, everyMs: 200 });
    });
    expect(await shop.read("deployment/web", "{.metadata.labels.belay\\.dev/deployment}")).toBe("3");
    expect(await running(shop)).toEqual([`${await shop.image("good1")} true`]);
  });
});

describe.concurrent("a Job and a CronJob", () => {
  it("can't be changed in place, and is changed without being watched", async ({ shop }) => {
    const template = templateOf(await shop.image("job-done1"), { readinessProbe: undefined }) as { spec: object };
    const pod = { ...template, spec: { ...template.spec, restartPolicy: "Never" } };
    const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "migrate" }, spec: { template: pod } };
    const cron = {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "nightly" },
      spec: { schedule: "0 3 1 1 *", jobTemplate: { spec: { template: pod } } },
    };
    await shop.apply([job, cron]);
    const refused = await shop.deploy({ web: "job/migrate" }, { web: "job-done2" });
    expect(refused).toMatchObject({ outcome: "refused" });
    expect(refused.report.findings).toContainEqual(
      expect.objectContaining({ check: "immutable_field", level: "refuse" }),
    );
    const changed = await shop.deploy({ web: "cronjob/nightly" }, { web: "job-done2" });
    expect(changed, shop.log.text()).toMatchObject({
      outcome: "succeeded",
      report: { findings: expect.arrayContaining([expect.objectContaining({ check: "not_watched" })]) },
    });
    const image = await shop.read("cronjob/nightly", "{.spec.jobTemplate.spec.template.spec.containers[0].image}");
    expect(image).toBe(await shop.image("job-done2"));
  });

  it("are looked into further by the commands that the report gives, as they are", async ({ shop }) => {
    const template = templateOf(await shop.image("job-done1"), { readinessProbe: undefined }) as { spec: object };
    const pod = { ...template, spec: { ...template.spec, restartPolicy: "Never" } };
    const cron = {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "nightly" },
      spec: { schedule: "0 3 1 1 *", jobTemplate: { spec: { template: pod } } },
    };
    await shop.apply([cron, workload("Deployment", { template: templateOf(await shop.image("good1")) })]);
    await ready(shop, "deployment/web");
    const names = { web: "deployment/web", nightly: "cronjob/nightly" };
    const { report } = await shop.deploy(names, { web: "good2", nightly: "job-done2" });
    // The files are the reader's own.
    const advice = report.advice.filter(({ command }) => !command.includes("FILES"));
    const none = await runAdvice(advice, shop.cluster.env);
    expect(none.get("Read the logs of deployment/web")).toContain("listening");
    expect(none.get("Read the logs of cronjob/nightly")).toBe("");
    await shop.kubectl("create", "job", "--from=cronjob/nightly", "nightly-1");
    await shop.kubectl("create", "job", "other", "--image", await shop.image("job-done1"));
    for (const job of ["nightly-1", "other"]) {
      await shop.kubectl("wait", "--for=condition=complete", `job/${job}`, "--timeout", "120s");
    }
    const some = await runAdvice(advice, shop.cluster.env);
    expect(some.get("Read the logs of cronjob/nightly")?.trim()).toBe("migrated");
  });
});
