import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";
import { tryLock } from "./with-lock.ts";

/** A bridge on this machine with network namespaces on it, which reach each other and this machine, and nothing else. */
export interface NetworkSlot {
  /** `10.240.0.0/24`. */
  readonly range: string;
  /** This machine's address on the bridge. */
  readonly hostAddress: string;
  /** Makes a namespace. Its name and address. */
  join(): Promise<{ readonly namespace: string; readonly address: string }>;
  /** Cuts a namespace off, as a pulled cable does. */
  unplug(namespace: string): Promise<void>;
  plug(namespace: string): Promise<void>;
  /** Removes all of it. */
  release(): Promise<void>;
}

const SLOTS = 8;
const FIRST_NET = 240;

/** Claims a free slot; one whose owner was killed is swept first. */
export async function claimNetwork(): Promise<NetworkSlot> {
  await mkdir(join(tmpdir(), "belay-rigs"), { recursive: true });
  for (let index = 0; index < SLOTS; index++) {
    const lock = join(tmpdir(), "belay-rigs", `network-${index}.lock`);
    // The second attempt is for a stale lock, which the first one takes away.
    if (!(await tryLock(lock)) && !(await tryLock(lock))) continue;
    await sweep(index);
    await makeBridge(index);
    return slotOf(index, lock);
  }
  throw new Error(`all ${SLOTS} places for test networks are taken: end other test runs, or look into ${tmpdir()}`);
}

const bridgeOf = (index: number): string => `belaynet${index}`;
const netOf = (index: number): string => `10.${FIRST_NET + index}.0`;

function slotOf(index: number, lock: string): NetworkSlot {
  let nodes = 0;
  const link = (namespace: string): string => `${bridgeOf(index)}.${namespace.split("-").at(-1)}`;
  return {
    range: `${netOf(index)}.0/24`,
    hostAddress: `${netOf(index)}.1`,
    join: async () => {
      const node = ++nodes;
      const namespace = `${bridgeOf(index)}-${node}`;
      const address = `${netOf(index)}.${node + 10}`;
      await makeNamespace(namespace, link(namespace), bridgeOf(index), `${address}/24`);
      return { namespace, address };
    },
    unplug: async (namespace) => void (await run("ip", ["link", "set", link(namespace), "down"])),
    plug: async (namespace) => void (await run("ip", ["link", "set", link(namespace), "up"])),
    release: async () => {
      await sweep(index);
      await rm(lock, { recursive: true, force: true });
    },
  };
}

async function makeBridge(index: number): Promise<void> {
  const bridge = bridgeOf(index);
  await run("ip", ["link", "add", bridge, "type", "bridge"]);
  await run("ip", ["address", "add", `${netOf(index)}.1/24`, "dev", bridge]);
  await run("ip", ["link", "set", bridge, "up"]);
  await run("iptables", ["-w", "-I", "FORWARD", ...ruleOf(index)]);
}

async function makeNamespace(namespace: string, link: string, bridge: string, address: string): Promise<void> {
  await run("ip", ["netns", "add", namespace]);
  await run("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
  await run("ip", ["link", "set", link, "master", bridge, "up"]);
  await run("ip", ["-n", namespace, "address", "add", address, "dev", "eth0"]);
  await run("ip", ["-n", namespace, "link", "set", "eth0", "up"]);
  await run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
}

/** Bridged packets pass iptables where `bridge-nf-call-iptables` is set, and another engine made DROP the policy. */
function ruleOf(index: number): string[] {
  const range = `${netOf(index)}.0/24`;
  return ["-s", range, "-d", range, "-m", "comment", "--comment", bridgeOf(index), "-j", "ACCEPT"];
}

async function sweep(index: number): Promise<void> {
  const bridge = bridgeOf(index);
  const { stdout: namespaces } = await run("ip", ["netns", "list"]);
  for (const [name] of namespaces.matchAll(new RegExp(`^${bridge}-\\d+`, "gm")))
    await run("ip", ["netns", "delete", name]);
  const { stdout: links } = await run("ip", ["-o", "link", "show"]);
  // A namespace that a dying process still holds takes its link along later: its end here goes now.
  for (const [, name = ""] of links.matchAll(new RegExp(`^\\d+: (${bridge}(?:\\.\\d+)?)[@:]`, "gm"))) {
    await run("ip", ["link", "delete", name], { allowedExitCodes: [0, 1] });
  }
  const { stdout: rules } = await run("iptables", ["-w", "-S", "FORWARD"]);
  for (const _rule of rules.split("\n").filter((line) => line.includes(`--comment ${bridge} `))) {
    await run("iptables", ["-w", "-D", "FORWARD", ...ruleOf(index)]);
  }
}
