import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode } from "./has-code.ts";

export interface LockOptions {
  /** For how long to wait for others. Default 20 min: a build may be what they do. */
  readonly waitMs?: number;
}

const WAIT_MS = 20 * 60_000;
const POLL_MS = 100;
/** A holder writes its number right after it has made the folder; without one after this time it died in between. */
const UNSIGNED_MS = 10_000;

/**
 * Runs `work` while no other process of this machine does it under the same folder name. The lock is a folder (making
 * one is atomic) with its holder's process number; it is stale when that process is gone.
 */
export async function withLock<T>(folder: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await mkdir(dirname(folder), { recursive: true });
  const until = performance.now() + (options.waitMs ?? WAIT_MS);
  while (!(await tryLock(folder))) {
    if (performance.now() > until) throw new Error(`${folder} is held by another process for too long`);
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Takes the lock if it is free or stale. */
export async function tryLock(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    if (await isStale(folder)) await breakLock(folder);
    return false;
  }
  await writeFile(join(folder, "pid"), String(process.pid));
  return true;
}

/** Two that find the same stale lock must not both remove it: the second would remove the first one's new lock. */
async function breakLock(folder: string): Promise<void> {
  const guard = `${folder}.breaking`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    if (await isOld(guard)) await rm(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (await isStale(folder)) await rm(folder, { recursive: true, force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

async function isStale(folder: string): Promise<boolean> {
  try {
    return !isAlive(Number(await readFile(join(folder, "pid"), "utf8")));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return isOld(folder);
}

async function isOld(folder: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(folder)).mtimeMs > UNSIGNED_MS;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Whether a process of this number exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}
