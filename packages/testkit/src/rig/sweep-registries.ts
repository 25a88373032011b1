import { readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "./has-code.ts";
import { unmountDisk } from "./small-disk.ts";
import { processRuns } from "./sweep-engine.ts";
import { isAlive } from "./with-lock.ts";

/** Prefix of the folder of a registry that this process starts: it tells its owner. */
export function registryPrefix(owner: number = process.pid): string {
  return `belay-registry-${owner}`;
}

/** Ends the registries of test runs that were killed, and removes their content. */
export async function sweepRegistries(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^belay-registry-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = join(tmpdir(), name);
    await endServer(folder);
    unmountDisk(join(folder, "data"));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The number in the file may be another process's by now: only a registry with this folder's configuration is ended. */
async function endServer(folder: string): Promise<void> {
  try {
    const pid = Number(await readFile(join(folder, "pid"), "utf8"));
    if (!(await processRuns(pid))) return;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    if (command.includes(join(folder, "config.yml"))) process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ESRCH")) throw error;
  }
}
