import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";
import { sweepKubernetes } from "./sweep-kubernetes.ts";
import { tryLock } from "./with-lock.ts";

/**
 * A place for one cluster on this machine. The control plane and the node's daemons run beside everything else, on an
 * address of their own; what writes firewall rules and makes links (kube-proxy, the network plugins) does so in a network
 * namespace of its own, so that nothing of the host's is changed and clusters don't see each other.
 */
export interface KubernetesSlot {
  readonly index: number;
  readonly folder: string;
  /** Network namespace of the pods' network; also the name of the link that leads to it. */
  readonly network: string;
  /** The host's end of that link: here listens everything that has a port. */
  readonly hostAddress: string;
  readonly networkAddress: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** The first of the services' addresses: the API server's own. */
  readonly serviceAddress: string;
  /** Below every controller's root. */
  readonly cgroup: string;
}

const SLOTS = 8;
const FIRST_NET = 240;

function slotOf(index: number): KubernetesSlot {
  const net = `10.${FIRST_NET + index}`;
  return {
    index,
    // Short: the path of a unix socket has 107 bytes at most.
    folder: join(tmpdir(), "belay-rigs", `kubernetes-${index}`),
    network: `belayk8s${index}`,
    hostAddress: `${net}.0.1`,
    networkAddress: `${net}.0.2`,
    podRange: `${net}.64.0/18`,
    serviceRange: `${net}.128.0/17`,
    serviceAddress: `${net}.128.1`,
    cgroup: `belay-kubernetes-${index}`,
  };
}

/** Claims a free place. One whose owner was killed is swept first. Addresses that the machine itself uses are left out. */
export async function claimKubernetesSlot(): Promise<KubernetesSlot> {
  await mkdir(join(tmpdir(), "belay-rigs"), { recursive: true });
  const { stdout: routes } = await run("ip", ["-4", "route", "show"]);
  for (let index = 0; index < SLOTS; index++) {
    const slot = slotOf(index);
    // The second attempt is for a stale lock, which the first one takes away.
    if (!(await tryLock(lockOf(slot))) && !(await tryLock(lockOf(slot)))) continue;
    await sweepKubernetes(slot);
    const net = `10.${FIRST_NET + index}.`;
    if (!routes.split("\n").some((line) => line.startsWith(net) && !line.includes(`dev ${slot.network} `))) {
      await mkdir(slot.folder);
      return slot;
    }
    await rm(lockOf(slot), { recursive: true, force: true });
  }
  throw new Error(`all ${SLOTS} places for test clusters are taken: end other test runs, or look into ${tmpdir()}`);
}

export async function releaseKubernetesSlot(slot: KubernetesSlot): Promise<void> {
  await sweepKubernetes(slot);
  await rm(lockOf(slot), { recursive: true, force: true });
}

/** The lock stands beside the folder, because a sweep removes the folder. */
function lockOf(slot: KubernetesSlot): string {
  return `${slot.folder}.lock`;
}
