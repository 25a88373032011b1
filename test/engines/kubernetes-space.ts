import { type Log, pinnedReference, Redactor, type RolloutPolicy, systemClock, type Target } from "@belay/core";
import { type DeploymentResult, type DeployPorts, deploy, rollback } from "@belay/rollout";
import { createTestLog, startRegistry, type TestLog, useKubernetes } from "@belay/testkit";
import { test, vi } from "vitest";
import { openCatalogue } from "../contract/images.ts";
import { Space } from "../contract/kubernetes-stand.ts";
import { openTarget } from "../contract/open-kubernetes.ts";
import { POLICY } from "../contract/policy.ts";
import { createReleases } from "../contract/release-of.ts";
import type { Variants } from "../contract/stand.ts";
import type { VariantName } from "../contract/variants.ts";

let count = 0;

vi.setConfig({ maxConcurrency: 3 });

/** A namespace, what Belay does in it, and what kubectl sees of it. */
export class Shop extends Space {
  readonly log: TestLog = createTestLog();
  readonly release = createReleases(this.images);
  /** As whom Belay comes. */
  kubeconfig = this.cluster.kubeconfig;

  async withTarget<T>(workloads: Readonly<Record<string, string>>, work: (target: Target) => Promise<T>): Promise<T> {
    const services = Object.fromEntries(Object.entries(workloads).map(([name, workload]) => [name, { workload }]));
    const settings = { kubeconfig: this.kubeconfig, scope: this.scope, services };
    const ports: { log: Log; redactor: Redactor } = { log: this.log, redactor: new Redactor() };
    const { target, close } = await openTarget(settings, ports);
    try {
      return await work(target);
    } finally {
      await close();
    }
  }

  async deploy(
    workloads: Readonly<Record<string, string>>,
    variants: Variants,
    policy: Partial<RolloutPolicy> = {},
    ports: Partial<DeployPorts> = {},
  ): Promise<DeploymentResult> {
    const release = await this.release(variants);
    const all = { ...POLICY, ...untilTold(variants), ...policy };
    return this.withTarget(workloads, (target) =>
      deploy({ release, policy: all }, { ...this.ports(target), ...ports }),
    );
  }

  /** As `belay rollback` does it. */
  rollback(workloads: Readonly<Record<string, string>>, to: string): Promise<DeploymentResult> {
    return this.withTarget(workloads, (target) =>
      rollback({ to, policy: POLICY, reason: "it was better" }, this.ports(target)),
    );
  }

  ports(target: Target): DeployPorts {
    const holder = { run: `shop-${process.pid}-${++count}`, attempt: 1, host: "test" };
    const signal = new AbortController().signal;
    return { target, clock: systemClock, log: this.log, holder, signal, redactor: new Redactor(), random: Math.random };
  }

  async image(variant: VariantName): Promise<string> {
    return pinnedReference(await this.images.identity(variant)) ?? "";
  }

  /** `kubectl get … -o jsonpath=…`. */
  read(object: string, path: string): Promise<string> {
    return this.kubectl("get", object, "--output", `jsonpath=${path}`);
  }
}

/** The tests of one file share a cluster and a registry; each has a namespace of its own. */
export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's needs from the text of its first parameter.
  .extend("stand", { scope: "file" }, async ({}, { onCleanup }) => {
    const [cluster, registry] = await Promise.all([useKubernetes(), startRegistry()]);
    onCleanup(async () => {
      await registry.stop();
      await cluster.stop();
    });
    return { cluster, images: await openCatalogue(registry) };
  })
  .extend("shop", async ({ stand }, { onCleanup }) => {
    const shop = new Shop(stand.cluster, stand.images, `belay-k-${process.pid}-${++count}`);
    await shop.create();
    onCleanup(() => shop.remove());
    return shop;
  });

const PROBE = { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 };

/** A pod template of one container, `web`, that is asked whether it is ready. */
export function templateOf(image: string, more: object = {}): object {
  const container = { name: "web", image, readinessProbe: PROBE, ...more };
  return { metadata: { labels: { app: "web" } }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
}

/**
 * What crashes half a second after its start is ready before, where no start-up probe asks: the kubelet may tell of both within a
 * second, or, on a busy machine, of the crash some seconds later. A window that is longer costs nothing, since it ends then.
 */
function untilTold(variants: Variants): Partial<RolloutPolicy> {
  return Object.values(variants).includes("crash") ? { stableMs: 15_000 } : {};
}

export async function ready(shop: Shop, object: string): Promise<void> {
  await shop.kubectl("rollout", "status", object, "--timeout", "120s");
}

/** Image and readiness of the pods that are not on their way out. */
export async function running(shop: Shop): Promise<string[]> {
  const path =
    '{range .items[*]}{.metadata.deletionTimestamp}{" "}{.spec.containers[0].image}{" "}{.status.containerStatuses[0].ready}{"\\n"}{end}';
  const lines = (await shop.read("pods", path)).split("\n").filter((line) => line.startsWith(" "));
  return lines.map((line) => line.trim()).sort();
}

/** A workload `web` of the kind. */
export function workload(kind: string, spec: object, metadata: object = {}): object {
  const selector = { matchLabels: { app: "web" } };
  return { apiVersion: "apps/v1", kind, metadata: { name: "web", ...metadata }, spec: { selector, ...spec } };
}
