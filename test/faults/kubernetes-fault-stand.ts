import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redactor, scopeHash, systemClock } from "@belay/core";
import {
  createTestLog,
  type KubernetesRig,
  startKubernetes,
  startRegistry,
  startTcpProxy,
  temporaryFolder,
  waitUntil,
} from "@belay/testkit";
import { openCatalogue } from "../contract/images.ts";
import { createWorkloadsApplication, Space } from "../contract/kubernetes-stand.ts";
import { createManifestsApplication } from "../contract/manifests-stand.ts";
import { askObserver } from "../contract/observer.ts";
import type { ApplicationStand } from "../contract/stand.ts";
import { openBy } from "../contract/target-opener.ts";
import { cutOnce } from "./cut-once.ts";
import type { FaultApp, FaultStand } from "./fault-stand.ts";

/** How long the store, or the node's agent, is away. */
const AWAY_MS = 6_000;
/** How long the API server has to end in good order. */
const GRACE_MS = 3_000;

/** What of the user's Belay deploys. */
type Way = "manifests" | "existing workloads";

/** A cluster of its own, because its parts are killed. */
export async function openKubernetesFaults(way: Way): Promise<FaultStand> {
  const [cluster, registry, folder] = await Promise.all([
    startKubernetes({ diskBytes: 400_000_000 }),
    startRegistry(),
    temporaryFolder("belay-faults"),
  ]);
  const images = await openCatalogue(registry);
  const server = await serverOf(cluster.kubeconfig);
  const network = await startTcpProxy({ host: server.hostname, port: Number(server.port) });
  const kubeconfig = join(folder.path, "kubeconfig");
  await writeThrough(cluster.kubeconfig, kubeconfig, network.port);
  const again = async (end: () => Promise<void>): Promise<void> => {
    await end();
    await cluster.restart("apiserver");
  };
  const mend = () => forgetOutages(cluster);
  return {
    title: `Kubernetes, ${way}`,
    registry,
    network,
    stage: "apply",
    moments: [["act", "apply"], ["restore act"], ["read back"], ["watch", "apply"], ["restore watch"], ["end"]],
    // The two ways share what is tried at which moment between them.
    ...(way === "manifests" ? { also: { "engine killed and started": ["watch"] } } : { first: 3 }),
    breakages: {
      "engine restarted": { strike: () => again(() => endInOrder(cluster)), mend },
      "engine killed and started": { strike: () => again(() => cluster.end("apiserver", "SIGKILL")), mend },
      "engine's store away for a while": { strike: () => away(cluster, "etcd"), mend },
      "node's agent away for a while": { strike: () => away(cluster, "kubelet") },
      "node's agent gone for longer than a run waits": {
        strike: () => cluster.end("kubelet", "SIGKILL"),
        mend: () => cluster.restart("kubelet"),
      },
      "node drained and back": { strike: () => drainAndBack(cluster) },
      "disk full": { strike: () => cluster.fillDisk(), mend: () => cluster.freeDisk(), first: true },
      "ledger removed": { strike: (app) => app.loseLedger(), first: true },
      "connections cut once": { strike: async () => cutOnce(network), first: true },
    },
    impossible: {
      "frozen release": "the kubelet's own probes find it, as they find the case `unhealthy after 6 s`",
    },
    app: (name) => openApp(way, new Space(cluster, images, name), kubeconfig),
    killEngine: () => cluster.end("apiserver", "SIGKILL"),
    startEngine: async () => {
      await cluster.restart("apiserver");
      await mend();
    },
    stop: async () => {
      await network.stop();
      await registry.stop();
      await cluster.stop();
      await folder.remove();
    },
  };
}

interface Kubeconfig {
  readonly clusters: { readonly cluster: { server: string } }[];
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  return JSON.parse(await readFile(path, "utf8")) as Kubeconfig;
}

async function serverOf(kubeconfig: string): Promise<URL> {
  return new URL((await readKubeconfig(kubeconfig)).clusters[0]?.cluster.server ?? "");
}

/** The rig's kubeconfig, by way of a proxy. The API server's certificate is good for loopback too. */
async function writeThrough(from: string, to: string, port: number): Promise<void> {
  const config = await readKubeconfig(from);
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`;
  await writeFile(to, JSON.stringify(config), { mode: 0o600 });
}

/**
 * The oftener an API server was away within two minutes, the longer the cluster's programs wait before they look for it
 * again, up to a minute (client-go, `tools/cache/reflector.go`). One outage after the other comes in these tests alone.
 */
async function forgetOutages(cluster: KubernetesRig): Promise<void> {
  await Promise.all((["controller-manager", "scheduler", "kubelet"] as const).map((one) => cluster.restart(one)));
}

/** It waits for open connections, and is killed when that takes long, as systemd and the kubelet do it. */
async function endInOrder(cluster: KubernetesRig): Promise<void> {
  const ended = cluster.end("apiserver", "SIGTERM");
  await Promise.race([ended, systemClock.sleep(GRACE_MS)]);
  await cluster.end("apiserver", "SIGKILL");
}

async function away(cluster: KubernetesRig, program: "etcd" | "kubelet"): Promise<void> {
  await cluster.end(program, "SIGKILL");
  await systemClock.sleep(AWAY_MS, new AbortController().signal);
  await cluster.restart(program);
  const ready = async (): Promise<boolean> => (await cluster.kubectl(["get", "--raw", "/readyz"])).exitCode === 0;
  await waitUntil("the API server has its store", ready, { withinMs: 60_000, everyMs: 200 });
}

/** As a person does it before an upgrade of the node, until its pods have nowhere to be. */
async function drainAndBack(cluster: KubernetesRig): Promise<void> {
  const { stdout: node } = await cluster.kubectl(["get", "nodes", "--output", "name"]);
  const name = node.trim();
  await cluster.kubectl(["drain", name, "--force", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"]);
  await cluster.kubectl(["uncordon", name]);
}

async function openApp(way: Way, space: Space, kubeconfig: string): Promise<FaultApp> {
  await space.create();
  const files = await temporaryFolder("belay-faults-manifests");
  const app = await createApplication(way, space, files.path);
  const log = createTestLog();
  const podsWith = async (path: string, ...select: string[]): Promise<string[]> => {
    const output = `jsonpath={range .items[*]}${path}{"\\n"}{end}`;
    const lines = await space.kubectl("get", "pods", ...select, "--output", output);
    return lines.split("\n").filter((line) => line !== "");
  };
  return {
    log,
    target: () => {
      const { module, settings } = app.opener();
      const own = { ...(settings as object), kubeconfig };
      return openBy({ module, settings: own }, { log, redactor: new Redactor() });
    },
    release: (variant) => app.release({ web: variant }),
    pulling: async (digest) => {
      const begun = async (): Promise<boolean> =>
        (await podsWith("{.spec.containers[0].image}")).some((image) => image.endsWith(digest));
      await waitUntil("a pod is to be started", begun, { withinMs: 60_000, everyMs: 5 });
    },
    loseLedger: async () => {
      const all = ["secrets", "--selector", `belay.dev/record=true,belay.dev/scope=${scopeHash(app.scope)}`];
      const records = (await space.kubectl("delete", ...all, "--output", "name")).split("\n");
      return records.filter((line) => line !== "").length;
    },
    look: async (how) => {
      const { script, settings } = app.observer;
      return (await askObserver({ script, settings: { ...(settings as object), ...how } })).services.web ?? [];
    },
    answer: async () => {
      // Evicted ones are still listed.
      const [ip = ""] = await podsWith("{.status.podIP}", "--field-selector", "status.phase=Running");
      return (await (await fetch(`http://${ip}:8080/`, { signal: AbortSignal.timeout(2_000) })).text()).trim();
    },
    tell: async () => {
      const status = '{range .items[*]}{.metadata.name} {.status}{"\\n"}{end}';
      const all = await space.kubectl("get", "deployments,replicasets,pods,events");
      return `${all}\n${await space.kubectl("get", "pods", "--output", `jsonpath=${status}`)}`;
    },
    remove: async () => {
      await app.remove();
      await files.remove();
    },
  };
}

async function createApplication(way: Way, space: Space, folder: string): Promise<ApplicationStand> {
  const nothing = (): void => undefined;
  const app =
    way === "manifests"
      ? createManifestsApplication(space, folder, nothing)
      : createWorkloadsApplication(space, nothing);
  await app.define({ web: { replicas: 2 } });
  // None of those that are deployed.
  if (way === "existing workloads") await app.hand.up({ web: "good0" });
  return app;
}
