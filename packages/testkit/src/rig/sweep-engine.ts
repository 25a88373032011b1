import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EngineSlot } from "./engine-slot.ts";
import { hasCode } from "./has-code.ts";
import { run } from "./run.ts";
import { waitUntil } from "./wait-until.ts";

/** What of an engine is on the machine, for the sweep and for tests that nothing is left. */
export interface EngineTraces {
  readonly processes: readonly number[];
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly rules: readonly string[];
}

/** Removes every trace of a slot's engine: processes, mounts, bridges, the firewall rule, files. Safe at any time. */
export async function sweepEngine(slot: EngineSlot): Promise<void> {
  await endProcesses(slot);
  const traces = await tracesOf(slot);
  for (const mount of traces.mounts.toReversed()) await run("umount", ["-l", mount], { allowedExitCodes: [0, 32] });
  for (const link of traces.links) await run("ip", ["link", "delete", link], { allowedExitCodes: [0, 1] });
  for (const _rule of traces.rules) await run("iptables", ["-w", "-D", "FORWARD", ...ruleOf(slot)]);
  await rm(slot.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Everything of a slot's engine that is on the machine now, its files left out. */
export async function tracesOf(slot: EngineSlot): Promise<EngineTraces> {
  return {
    processes: await processesOf(slot.folder),
    mounts: await mountsOf(slot.folder),
    links: await linksOf(slot),
    rules: await rulesOf(slot),
  };
}

/**
 * Lets containers of one bridge reach each other where another engine on the machine made DROP the policy and bridged
 * packets pass iptables (`bridge-nf-call-iptables`). It is the only rule: the engine itself writes none.
 */
export function ruleOf(slot: EngineSlot): string[] {
  return ["-s", slot.range, "-d", slot.range, "-m", "comment", "--comment", slot.bridge, "-j", "ACCEPT"];
}

/** Kills what runs of it, containers too, and waits until it is gone. */
export async function endProcesses(slot: Pick<EngineSlot, "folder">): Promise<void> {
  const end = async (): Promise<boolean> => {
    const found = await processesOf(slot.folder);
    for (const pid of found) endProcess(pid);
    return found.length === 0;
  };
  await waitUntil(`the processes of ${slot.folder} end`, end, { withinMs: 10_000 });
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}

/** An engine's own (their arguments name its folder), and those in its containers (their root lies in it). */
export async function processesOf(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const owned = await Promise.all(pids.map(async (pid) => pid !== process.pid && (await belongs(pid, folder))));
  return pids.filter((_pid, index) => owned[index]);
}

async function belongs(pid: number, folder: string): Promise<boolean> {
  try {
    if (!(await processRuns(pid))) return false;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    const program = command.split("\0")[0] ?? "";
    if (/dockerd|containerd|runc|docker-proxy|buildkitd|etcd|kube/.test(program) && command.includes(`${folder}/`))
      return true;
    const root = (await readFile(`/proc/${pid}/mountinfo`, "utf8"))
      .split("\n")
      .find((line) => line.split(" ")[4] === "/");
    return root?.includes(`${folder}/`) ?? false;
  } catch (error) {
    // It ended while it was looked at, or belongs to the kernel.
    if (hasCode(error, "ENOENT", "ESRCH", "EINVAL", "EACCES")) return false;
    throw error;
  }
}

/** Whether a process is there and no zombie. */
export async function processRuns(pid: number): Promise<boolean> {
  try {
    return !/^State:\s*[ZX]/m.test(await readFile(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH")) return false;
    throw error;
  }
}

export async function mountsOf(folder: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return lines.map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${folder}/`));
}

/** The slot's own bridge, and those of the networks that were made in its engine. */
async function linksOf(slot: EngineSlot): Promise<string[]> {
  const prefix = slot.range.replace(/\d+\.\d+\/16$/, "");
  const { stdout } = await run("ip", ["-o", "-4", "address", "show"]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const named = rows.filter((row) => row[3]?.startsWith(prefix)).map((row) => row[1] ?? "");
  const { stdout: links } = await run("ip", ["-o", "link", "show"]);
  const own = new RegExp(`^\\d+: ${slot.bridge}:`, "m").test(links) ? [slot.bridge] : [];
  return [...new Set([...named, ...own])];
}

async function rulesOf(slot: EngineSlot): Promise<string[]> {
  const { stdout } = await run("iptables", ["-w", "-S", "FORWARD"]);
  return stdout.split("\n").filter((line) => line.includes(`--comment ${slot.bridge} `));
}

/** Numbers of containers' folders, to remove containers before an engine ends: it would wait for each one's grace. */
export async function containerIds(slot: EngineSlot): Promise<string[]> {
  try {
    return await readdir(join(slot.folder, "data", "containers"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
