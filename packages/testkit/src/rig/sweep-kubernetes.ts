import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "./has-code.ts";
import type { KubernetesSlot } from "./kubernetes-slot.ts";
import { run } from "./run.ts";
import { endProcesses, mountsOf, processesOf } from "./sweep-engine.ts";
import { waitUntil } from "./wait-until.ts";

const CGROUPS = "/sys/fs/cgroup";

/** What of a cluster is on the machine, for the sweep and for tests that nothing is left. */
export interface KubernetesTraces {
  readonly processes: readonly number[];
  readonly mounts: readonly string[];
  readonly networks: readonly string[];
  readonly links: readonly string[];
  readonly cgroups: readonly string[];
}

/** Removes every trace of a slot's cluster: processes, mounts, the network with its rules, cgroups, files. Safe at any time. */
export async function sweepKubernetes(slot: KubernetesSlot): Promise<void> {
  await endProcesses(slot);
  const traces = await kubernetesTracesOf(slot);
  for (const mount of traces.mounts.toReversed()) await run("umount", ["-l", mount], { allowedExitCodes: [0, 32] });
  for (const link of traces.links) await run("ip", ["link", "delete", link], { allowedExitCodes: [0, 1] });
  for (const network of traces.networks) await run("ip", ["netns", "delete", network]);
  for (const cgroup of traces.cgroups) await removeCgroup(cgroup);
  await rm(slot.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Everything of a slot's cluster that is on the machine now, its files left out. */
export async function kubernetesTracesOf(slot: KubernetesSlot): Promise<KubernetesTraces> {
  const { stdout: networks } = await run("ip", ["netns", "list"]);
  const { stdout: links } = await run("ip", ["-o", "link", "show"]);
  const isOwn = (line: string): boolean => line.split(" ")[0] === slot.network;
  return {
    processes: await processesOf(slot.folder),
    mounts: await mountsOf(slot.folder),
    networks: networks.split("\n").some(isOwn) ? [slot.network] : [],
    links: new RegExp(`^\\d+: ${slot.network}[@:]`, "m").test(links) ? [slot.network] : [],
    cgroups: await cgroupsOf(slot),
  };
}

/** The roots of the slot's cgroups: one for each controller where they are of version 1, else one. */
async function cgroupsOf(slot: KubernetesSlot): Promise<string[]> {
  const folders = [CGROUPS, ...(await namesIn(CGROUPS)).map((name) => join(CGROUPS, name))];
  const found = await Promise.all(
    folders.map(async (folder) => ((await namesIn(folder)).includes(slot.cgroup) ? join(folder, slot.cgroup) : "")),
  );
  return found.filter((path) => path !== "");
}

/** Folders in a folder; none where it is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** A cgroup is removed from the leaves up, once the kernel has let the dead processes go. */
async function removeCgroup(path: string): Promise<void> {
  for (const name of await namesIn(path)) await removeCgroup(join(path, name));
  const gone = async (): Promise<boolean> => {
    try {
      await rmdir(path);
    } catch (error) {
      if (hasCode(error, "EBUSY")) return false;
      if (!hasCode(error, "ENOENT")) throw error;
    }
    return true;
  };
  await waitUntil(`the cgroup ${path} is empty`, gone, { withinMs: 10_000 });
}
