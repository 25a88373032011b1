import { pinnedReference, type Scope } from "@belay/core";
import { type Cluster, startRegistry, useKubernetes, waitUntil } from "@belay/testkit";
import { attempt } from "./attempt.ts";
import { type ImageCatalogue, openCatalogue } from "./images.ts";
import { objectsOf } from "./kubernetes-objects.ts";
import type { KubernetesSettings } from "./open-kubernetes.ts";
import { createReleases } from "./release-of.ts";
import {
  ALSO_GONE,
  type ApplicationStand,
  cannot,
  type Definitions,
  type EngineStand,
  type Hand,
  oneOf,
  type Variants,
} from "./stand.ts";
import type { VariantName } from "./variants.ts";

const FILES = "the workload is the user's: Belay changes nothing but its image (see the stand with manifests)";

const IMPOSSIBLE: EngineStand["impossible"] = {
  "healthcheck added": FILES,
  "healthcheck removed": FILES,
  "only the environment changes": FILES,
  "first deployment, good": FILES,
  "first deployment, bad, kept": FILES,
  "first deployment, bad, removed": FILES,
  "one-shot that completes": FILES,
  "one-shot that fails": FILES,
  "rolled back by hand to a service that was removed since": FILES,
  "one of three services removed": FILES,
  "one of three services removed, another fails": FILES,
};

/** What a pod asks for that says nothing itself: more than any node has. */
const NOWHERE = { type: "Container", default: { cpu: "10000" }, defaultRequest: { cpu: "10000" } };

const WAIT_MS = 120_000;

/** Workloads that exist, on the cluster of the rig, their images in a registry of its own. */
export async function openKubernetesStand(): Promise<EngineStand> {
  const [cluster, registry] = await Promise.all([useKubernetes(), startRegistry()]);
  const images = await openCatalogue(registry);
  const open = new Set<ApplicationStand>();
  return {
    kind: "kubernetes",
    title: "Kubernetes, existing workloads",
    impossible: IMPOSSIBLE,
    application: async (name) => {
      const space = new Space(cluster, images, name);
      await space.create();
      const application = createWorkloadsApplication(space, () => open.delete(application));
      open.add(application);
      return application;
    },
    stop: async () => {
      for (const application of open) await application.remove();
      await registry.stop();
      await cluster.stop();
    },
  };
}

/** A namespace with what its owner wrote. */
export class Space {
  readonly cluster: Cluster;
  readonly images: ImageCatalogue;
  readonly scope: Scope;
  definitions: Definitions = {};
  /** What the files name as images. */
  variants: Variants = {};

  constructor(cluster: Cluster, images: ImageCatalogue, name: string) {
    this.cluster = cluster;
    this.images = images;
    this.scope = { target: "kubernetes", project: name, application: "shop", environment: "test" };
  }

  async create(): Promise<void> {
    await this.cluster.kubectl(["create", "namespace", this.scope.project]);
    const account = async () => (await this.find("get", "serviceaccount", "default")) !== "";
    await waitUntil("pods can be made", account, { withinMs: 30_000, everyMs: 100 });
  }

  async kubectl(...args: string[]): Promise<string> {
    return (await this.cluster.kubectl(["--namespace", this.scope.project, ...args])).stdout;
  }

  async find(...args: string[]): Promise<string> {
    const all = ["--namespace", this.scope.project, ...args, "--ignore-not-found"];
    return (await this.cluster.kubectl(all)).stdout;
  }

  async apply(objects: readonly object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await this.cluster.kubectl(["--namespace", this.scope.project, "apply", "--filename", "-"], { input });
  }

  /** All objects as the user's files have them. */
  async objects(variants: Variants): Promise<readonly object[]> {
    const all = await Promise.all(
      Object.entries(this.definitions).map(async ([name, definition]) => {
        const variant = variants[name] ?? "good1";
        const image = pinnedReference(await this.images.identity(variant)) ?? "";
        return objectsOf(name, definition, variant, image);
      }),
    );
    return all.flat();
  }

  /** `pod/NAME` of each. */
  async pods(service: string): Promise<string[]> {
    const names = await this.kubectl(
      "get",
      "pods",
      "--selector",
      `app.kubernetes.io/name=${service}`,
      "--output",
      "name",
    );
    return names.split("\n").filter((line) => line !== "");
  }

  /** Until every pod is of the newest template and ready, and none else is there. */
  async settle(service: string): Promise<void> {
    await this.kubectl("rollout", "status", `deployment/${service}`, "--timeout", `${WAIT_MS}ms`);
    const settled = async (): Promise<boolean> => {
      const path = "jsonpath={.spec.replicas} {.status.replicas} {.status.readyReplicas}";
      const [spec = "0", there = "0", ready = "0"] = (
        await this.kubectl("get", `deployment/${service}`, "--output", path)
      ).split(" ");
      const count = (await this.pods(service)).length;
      return spec === (there || "0") && spec === (ready || "0") && count === Number(spec);
    };
    await waitUntil(`${service} is settled`, settled, { withinMs: WAIT_MS, everyMs: 200 });
  }

  async remove(): Promise<void> {
    await this.cluster.kubectl(["delete", "namespace", this.scope.project, "--wait=false"]);
  }
}

/** Workloads that exist, as {@link ApplicationStand}. */
export function createWorkloadsApplication(space: Space, removed: () => void): ApplicationStand {
  const { scope, cluster } = space;
  const services = (): KubernetesSettings["services"] =>
    Object.fromEntries(Object.keys(space.definitions).map((name) => [name, { workload: `deployment/${name}` }]));
  return {
    scope,
    onlyExisting: true,
    define: async (definitions) => {
      space.definitions = definitions;
      if (!Object.values(definitions).some(({ nowhere }) => nowhere)) return;
      // Belay does not change what the workload asks for; the namespace's owner may.
      await space.apply([
        { apiVersion: "v1", kind: "LimitRange", metadata: { name: "nowhere" }, spec: { limits: [NOWHERE] } },
      ]);
    },
    release: createReleases(space.images),
    opener: () => ({
      module: new URL("open-kubernetes.ts", import.meta.url).href,
      settings: { kubeconfig: cluster.kubeconfig, scope, services: services() } satisfies KubernetesSettings,
    }),
    hand: handOf(space),
    observer: {
      script: new URL("observer-kubectl.ts", import.meta.url).href,
      settings: { env: cluster.env, namespace: scope.project },
    },
    identity: (variant) => space.images.identity(variant),
    remove: async () => {
      await space.remove();
      removed();
    },
  };
}

export function handOf(space: Space): Hand {
  const image = async (service: string, variant: VariantName): Promise<void> => {
    const reference = pinnedReference(await space.images.identity(variant));
    await space.kubectl("set", "image", `deployment/${service}`, `${service}=${reference}`);
    await space.settle(service);
  };
  return {
    up: async (variants) => {
      space.variants = variants;
      await space.apply(await space.objects(variants));
      for (const [name, { goal }] of Object.entries(space.definitions)) {
        if (goal === "complete") cannot("a one-shot by hand");
        await space.settle(name);
      }
    },
    scale: async (service, replicas) => {
      await space.kubectl("scale", `deployment/${service}`, "--replicas", String(replicas));
      await space.settle(service);
    },
    delete: async (service) => {
      await space.kubectl("delete", `deployment/${service}`, "--cascade=foreground");
    },
    note: async (service, value) => {
      await space.kubectl("set", "env", `deployment/${service}`, `NOTE=${value}`);
      await space.settle(service);
    },
    update: image,
    attempt: async (service, variant, patienceMs) => {
      const reference = pinnedReference(await space.images.identity(variant));
      const options = { env: space.cluster.env, patienceMs };
      const kubectl = (...args: string[]) => attempt("kubectl", ["--namespace", space.scope.project, ...args], options);
      const set = await kubectl("set", "image", `deployment/${service}`, `${service}=${reference}`);
      const status = await kubectl("rollout", "status", `deployment/${service}`);
      if (status.exitCode === 0) return { ...status, seconds: set.seconds + status.seconds };
      const undo = await kubectl("rollout", "undo", `deployment/${service}`);
      const back = await kubectl("rollout", "status", `deployment/${service}`);
      return { ...status, seconds: set.seconds + status.seconds + undo.seconds + back.seconds };
    },
    loseConfig: async (service) => {
      await space.kubectl("delete", "configmap", `${service}-config`);
    },
    sicken: async (service) => {
      const exec = ["--namespace", space.scope.project, "exec"];
      const all = (await space.pods(service)).map((pod) =>
        space.cluster.kubectl([...exec, pod, "--", "rm", "/www/healthz"], ALSO_GONE),
      );
      await oneOf(`making ${service} ill`, all);
    },
    // What nodes hold is no way back: a pod may come to any of them.
    loseImage: (_service, variant) => space.images.lose(variant),
    kill: async (service) => {
      const selector = `app.kubernetes.io/name=${service}`;
      await space.kubectl("delete", "pods", "--selector", selector, "--grace-period", "1");
    },
    allowNoMore: async (spare = 0) => {
      const pods = (await space.kubectl("get", "pods", "--output", "name")).split("\n").filter((line) => line !== "");
      await space.apply([
        {
          apiVersion: "v1",
          kind: "ResourceQuota",
          metadata: { name: "full" },
          spec: { hard: { pods: String(pods.length + spare) } },
        },
      ]);
      const counted = async () =>
        (await space.kubectl("get", "resourcequota", "full", "--output", "jsonpath={.status.used.pods}")) ===
        String(pods.length);
      await waitUntil("the quota is counted", counted, { withinMs: 30_000, everyMs: 100 });
    },
  };
}
