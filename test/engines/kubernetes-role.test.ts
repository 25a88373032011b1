import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { describe, expect } from "vitest";
import { CRASH_CODE, CRASH_LINE } from "../contract/variants.ts";
import { bindRole, kubeconfigOf } from "./bind-role.ts";
import { it as base, ready, running, templateOf, workload } from "./kubernetes-space.ts";

/* The Role `belay` of examples/kubernetes/rbac.yaml alone, which is enough for workloads that exist. */

const it = base.extend("belay", async ({ shop }, { onCleanup }) => {
  const folder = await temporaryFolder("belay-role");
  onCleanup(() => folder.remove());
  await bindRole(shop);
  const path = join(folder.path, "kubeconfig.json");
  await writeFile(path, await kubeconfigOf(shop, "belay"), { mode: 0o600 });
  shop.kubeconfig = path;
  return shop;
});

const FILES = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { LEVEL: "info" } },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "tokens" }, stringData: { TOKEN: "of-the-shop" } },
];
const CONTAINER = {
  envFrom: [{ configMapRef: { name: "settings" } }, { secretRef: { name: "tokens" } }],
  // So that a crash at the start is told as one, however late a busy node tells of it.
  startupProbe: {
    httpGet: { path: "/healthz", port: 8080 },
    periodSeconds: 1,
    failureThreshold: 60,
    timeoutSeconds: 5,
  },
};

describe.concurrent("the Role `belay` alone", { timeout: 400_000 }, () => {
  it.for([
    ["Deployment", {}],
    ["StatefulSet", { serviceName: "web" }],
  ] as const)("is enough for a %s: a good release, and the way back of a bad one", async ([kind, more], { belay }) => {
    const spec = { replicas: 1, ...more, template: templateOf(await belay.image("good1"), CONTAINER) };
    await belay.apply([...FILES, workload(kind, spec)]);
    const title = `${kind.toLowerCase()}/web`;
    await ready(belay, title);
    const good = await belay.deploy({ web: title }, { web: "good2" });
    expect(good, belay.log.text()).toMatchObject({ outcome: "succeeded", report: { running: [{ ready: 1 }] } });
    const lacks = ({ check }: { check: string }): boolean => check === "permission_missing";
    expect(good.report.findings.filter(lacks)).toEqual([]);
    const bad = await belay.deploy({ web: title }, { web: "crash" });
    expect(bad, belay.log.text()).toMatchObject({
      outcome: "rolled_back",
      cause: { cause: "crash_loop", service: "web" },
      report: {
        evidence: [{ exitCode: CRASH_CODE, logLines: expect.arrayContaining([CRASH_LINE]) }],
        running: [{ service: "web", ready: 1, desired: 1 }],
      },
    });
    expect(await running(belay)).toEqual([`${await belay.image("good2")} true`]);
    // Nobody but Belay replaces a pod of a StatefulSet that never became ready.
    if (kind === "StatefulSet") expect(belay.log.text()).toContain("removing the pod web-0, which is not ready");
  });

  it("does not make what somebody removes in the middle again, and that is told", async ({ belay }) => {
    await belay.apply([workload("Deployment", { replicas: 1, template: templateOf(await belay.image("good1")) })]);
    await ready(belay, "deployment/web");
    let removed: Promise<unknown> | undefined;
    const onStep = async (step: string): Promise<void> => {
      if (step === "watch") removed ??= belay.kubectl("delete", "deployment/web");
      await removed;
    };
    const result = await belay.deploy({ web: "web" }, { web: "good2" }, {}, { onStep });
    const detail = expect.stringContaining('cannot create resource "deployments"');
    const cause = { cause: "start_failed", detail };
    expect(result, belay.log.text()).toMatchObject({ outcome: "rollback_failed", leftOpen: false, cause });
    expect(belay.log.text()).toContain("deployment/web is gone");
  });
});
