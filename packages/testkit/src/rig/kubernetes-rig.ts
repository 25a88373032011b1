import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, type RunOptions, type RunResult } from "@belay/core";
import { borrowKubernetes } from "./borrow-kubernetes.ts";
import { ensureTools } from "./ensure-tools.ts";
import { NODE_NAME, writeKubernetesFiles } from "./kubernetes-files.ts";
import { commandsOf, type KubernetesProgram, PROGRAMS } from "./kubernetes-programs.ts";
import { claimKubernetesSlot, type KubernetesSlot, releaseKubernetesSlot } from "./kubernetes-slot.ts";
import { pauseImageArchive } from "./pause-image.ts";
import { run } from "./run.ts";
import { fillDisk, freeDisk, mountDisk } from "./small-disk.ts";
import { type KubernetesTraces, kubernetesTracesOf, namesIn } from "./sweep-kubernetes.ts";
import { waitUntil } from "./wait-until.ts";

/** What may be done with any cluster, also with one that somebody else started. */
export interface Cluster extends AsyncDisposable {
  /** Path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** KUBECONFIG, for child processes. */
  readonly env: Readonly<Record<string, string>>;
  /** The plain kubectl, for a look from outside. Throws when it fails, unless told what is allowed. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  stop(): Promise<void>;
}

/** A Kubernetes node of our own: control plane, kubelet, containerd, kube-proxy. No cluster DNS. */
export interface KubernetesRig extends Cluster {
  /** Ends one of its programs, as a crash or an upgrade does. Pods go on. */
  end(program: KubernetesProgram, signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, after ending it if it runs. `apiserver`: resolves when it is ready. */
  restart(program: KubernetesProgram): Promise<void>;
  /** Containers of the node as containerd knows them: `ctr -n k8s.io …`. */
  ctr(args: readonly string[]): Promise<RunResult>;
  /** What of it is on the machine now. */
  traces(): Promise<KubernetesTraces>;
  /** Leaves no free byte on the disk of `diskBytes`, until it is freed again. */
  fillDisk(): Promise<void>;
  /** Resolves when the node can be used again. */
  freeDisk(): Promise<void>;
  /** A program's own log. */
  log(program: KubernetesProgram): Promise<string>;
}

export interface KubernetesOptions {
  /** The node's images and containers on a disk of this size (in memory), which can be filled. Default: the machine's own. */
  readonly diskBytes?: number;
}

const READY_MS = 120_000;

/**
 * Starts a single-node Kubernetes next to whatever else runs, and waits until its node is ready. Needs root on Linux. Pods
 * and Services answer at their addresses from this machine too; images come from any registry on loopback.
 */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<KubernetesRig> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new BelayError("TOOL_MISSING", {
      doing: "starting a Kubernetes node for tests",
      got: "only root on Linux can start one",
      next: "Set BELAY_TEST_KUBECONFIG=/path/to/kubeconfig to use a cluster that runs, or run this as root.",
    });
  }
  const tools = await ensureTools([
    ...["etcd", "containerd", "ctr", "conntrack", "nsenter", "openssl", "ip", "iptables", "cni-bridge"],
    ...["kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"],
  ] as Parameters<typeof ensureTools>[0]);
  const slot = await claimKubernetesSlot();
  const rig = new KubernetesNode(slot, tools);
  try {
    await writeKubernetesFiles(slot, tools);
    await makeNetwork(slot);
    await makeCgroups(slot);
    // The sweep takes it away again, like every mount of the slot.
    if (options.diskBytes !== undefined) await mountDisk(diskOf(slot), options.diskBytes, slot.network);
    await rig.start();
    return rig;
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

/**
 * The cluster that `BELAY_TEST_KUBECONFIG` names if it is set, or the one that this test run shares, otherwise a new one.
 * Each test takes a namespace of its own in it. Tests that restart parts of a cluster or change
 * its nodes take {@link startKubernetes}: they must not do that to somebody else's.
 */
export async function useKubernetes(): Promise<Cluster> {
  const kubeconfig = process.env.BELAY_TEST_KUBECONFIG || (await borrowKubernetes());
  if (kubeconfig === undefined) return startKubernetes();
  const { kubectl } = await ensureTools(["kubectl"]);
  const cluster = kubectlFor(kubectl, kubeconfig);
  await cluster.kubectl(["get", "--raw", "/readyz"], {
    doing: `asking the cluster of ${kubeconfig}`,
  });
  const stop = async (): Promise<void> => {};
  return { ...cluster, stop, [Symbol.asyncDispose]: stop };
}

function kubectlFor(program: string, kubeconfig: string): Pick<Cluster, "kubeconfig" | "env" | "kubectl"> {
  const env = { KUBECONFIG: kubeconfig };
  const kubectl = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    run(program, args, { deadlineMs: 120_000, ...options, env: { ...env, ...options.env } });
  return { kubeconfig, env, kubectl };
}

class KubernetesNode implements KubernetesRig {
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string>>;
  readonly kubectl: Cluster["kubectl"];
  readonly #slot: KubernetesSlot;
  readonly #commands: ReturnType<typeof commandsOf>;
  readonly #children = new Map<KubernetesProgram, { readonly child: ChildProcess; readonly ended: Promise<void> }>();
  /** A test run that ends without `stop` takes the programs along; what remains is swept by the next one. */
  readonly #onExit = (): void => {
    for (const { child } of this.#children.values()) child.kill("SIGKILL");
  };

  constructor(slot: KubernetesSlot, tools: Readonly<Record<string, string>>) {
    this.#slot = slot;
    this.#commands = commandsOf(slot, tools);
    const { kubeconfig, env, kubectl } = kubectlFor(tools.kubectl ?? "kubectl", join(slot.folder, "kubeconfig"));
    this.kubeconfig = kubeconfig;
    this.env = env;
    this.kubectl = kubectl;
    process.once("exit", this.#onExit);
  }

  /** Programs that don't need each other start together. */
  async start(): Promise<void> {
    const images = this.#startContainerd();
    await this.restart("etcd");
    await this.restart("apiserver");
    await Promise.all([images, this.restart("controller-manager"), this.restart("scheduler")]);
    await Promise.all([this.restart("kubelet"), this.restart("proxy")]);
    await this.#wait("the node is ready", async () => {
      const { stdout } = await this.kubectl(["get", "node", NODE_NAME, "--no-headers"], { allowedExitCodes: [0, 1] });
      return / Ready /.test(stdout);
    });
    const account = ["get", "serviceaccount", "default", "--namespace", "default"];
    await this.#wait("pods can be made", async () => {
      return (await this.kubectl(account, { allowedExitCodes: [0, 1] })).exitCode === 0;
    });
  }

  async #startContainerd(): Promise<void> {
    await this.restart("containerd");
    await this.#wait("containerd answers", async () => (await this.ctr(["version"])).exitCode === 0);
    await this.#importPause();
  }

  async #importPause(): Promise<void> {
    await this.ctr(["--namespace", "k8s.io", "images", "import", await pauseImageArchive()]);
  }

  ctr(args: readonly string[]): Promise<RunResult> {
    return run("ctr", ["--address", join(this.#slot.folder, "containerd.sock"), ...args]);
  }

  async restart(program: KubernetesProgram): Promise<void> {
    await this.end(program);
    const [command = "", ...args] = this.#commands[program];
    const log = await open(this.#logOf(program), "a");
    // A group of its own: Ctrl-C ends the test, and the test ends the cluster.
    const child = spawn(command, args, { stdio: ["ignore", log.fd, log.fd], detached: true });
    await log.close();
    const ended = new Promise<void>((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => resolve());
    });
    this.#children.set(program, { child, ended });
    if (program !== "apiserver") return;
    const ready = ["get", "--raw", "/readyz", "--request-timeout", "2s"];
    const answers = async () => (await this.kubectl(ready, { allowedExitCodes: [0, 1] })).exitCode === 0;
    await this.#wait("the API server is ready", answers);
  }

  async end(program: KubernetesProgram, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const running = this.#children.get(program);
    running?.child.kill(signal);
    await running?.ended;
    this.#children.delete(program);
  }

  /** Waits for something that needs all programs: when one has ended, its log says why. */
  async #wait(what: string, ask: () => Promise<boolean>): Promise<void> {
    const gone = new AbortController();
    for (const [program, { ended }] of this.#children) ended.then(() => gone.abort(new Error(`${program} ended`)));
    try {
      await waitUntil(what, ask, { withinMs: READY_MS, everyMs: 100, signal: gone.signal });
    } catch (error) {
      const tails = await Promise.all(
        [...this.#children.keys()].map(async (one) => `${one}:\n${tail(await this.log(one))}`),
      );
      throw new Error(`the test cluster did not start; its logs end with:\n${tails.join("\n")}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    process.removeListener("exit", this.#onExit);
    // Killed, not asked: whoever ends first would make the others write pages of errors, and nothing is kept.
    await Promise.all(PROGRAMS.toReversed().map((program) => this.end(program, "SIGKILL")));
    await releaseKubernetesSlot(this.#slot);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  fillDisk(): Promise<void> {
    return fillDisk(diskOf(this.#slot));
  }

  async freeDisk(): Promise<void> {
    await freeDisk(diskOf(this.#slot));
    const path = 'jsonpath={.items[0].status.conditions[?(@.type=="DiskPressure")].status} {.items[0].spec.taints}';
    const isUsable = async (): Promise<boolean> =>
      (await this.kubectl(["get", "nodes", "--output", path])).stdout.trim() === "False";
    await waitUntil("the node has noticed its free disk", isUsable, { withinMs: READY_MS, everyMs: 200 });
    // For want of room the kubelet removes every image that no pod needs, and nobody but us has this one.
    await this.#importPause();
  }

  traces(): Promise<KubernetesTraces> {
    return kubernetesTracesOf(this.#slot);
  }

  log(program: KubernetesProgram): Promise<string> {
    return readFile(this.#logOf(program), "utf8");
  }

  #logOf(program: KubernetesProgram): string {
    return join(this.#slot.folder, "log", `${program}.txt`);
  }
}

/** Where containerd keeps images and what containers write. */
function diskOf(slot: KubernetesSlot): string {
  return join(slot.folder, "containerd", "root");
}

function tail(log: string): string {
  return log.trim().split("\n").slice(-8).join("\n");
}

/** A namespace for the pods' network, with a link to it; ways from here to pods and Services lead through it. */
async function makeNetwork(slot: KubernetesSlot): Promise<void> {
  const { network, hostAddress, networkAddress, podRange, serviceRange } = slot;
  const ip = (...args: string[]) => run("ip", args, { doing: "making the test cluster's network" });
  const inside = (...args: string[]) => ip("-n", network, ...args);
  await ip("netns", "add", network);
  await ip("link", "add", network, "type", "veth", "peer", "name", "uplink", "netns", network);
  await ip("address", "add", `${hostAddress}/30`, "dev", network);
  await ip("link", "set", network, "up");
  await inside("address", "add", `${networkAddress}/30`, "dev", "uplink");
  await inside("link", "set", "lo", "up");
  await inside("link", "set", "uplink", "up");
  await inside("route", "add", "default", "via", hostAddress);
  for (const range of [podRange, serviceRange]) await ip("route", "add", range, "via", networkAddress, "dev", network);
  await run("nsenter", [`--net=/run/netns/${network}`, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
}

/** The kubelet wants its root to exist under every controller. */
async function makeCgroups(slot: KubernetesSlot): Promise<void> {
  const root = "/sys/fs/cgroup";
  const names = await namesIn(root);
  const isOld = names.includes("memory") && names.includes("cpu");
  const folders = isOld ? names.map((name) => join(root, name)) : [root];
  for (const folder of folders) await mkdir(join(folder, slot.cgroup), { recursive: true });
  if (!isOld) return;
  // Version 1: a new cpuset has neither processors nor memory, and lets no process in.
  const cpuset = join(root, "cpuset");
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const source = await open(join(cpuset, file), "r");
    const text = await source.readFile("utf8");
    await source.close();
    const target = await open(join(cpuset, slot.cgroup, file), "w");
    await target.writeFile(text);
    await target.close();
  }
}
