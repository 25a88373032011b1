import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { BelayError, type Clock } from "@belay/core";

/** The holder shows life this often. */
const BEAT_MS = 2_000;
/** Nobody alive is silent for so long. */
const STALE_MS = 60_000;
const POLL_MS = 100;

export interface ExclusiveOptions {
  readonly clock: Clock;
  readonly waitMs: number;
  readonly doing: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` while nobody else does it under the same folder name: no other call of this process, no other process,
 * no other container that shares the disk. The lock is a folder (making one is atomic) whose time its holder renews;
 * process numbers mean nothing to another container.
 * @throws BelayError TIMED_OUT when others hold it for longer than `waitMs`
 */
export async function exclusive<T>(folder: string, options: ExclusiveOptions, work: () => Promise<T>): Promise<T> {
  const { clock, signal } = options;
  const until = clock.now() + options.waitMs;
  while (!(await take(folder))) {
    if (clock.now() > until) {
      const got = `another process has held ${folder} for more than ${options.waitMs} ms`;
      throw new BelayError("TIMED_OUT", { doing: options.doing, got });
    }
    await clock.sleep(POLL_MS, signal);
  }
  const beat = setInterval(() => void renew(folder), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(folder, { recursive: true, force: true });
  }
}

async function take(folder: string): Promise<boolean> {
  if (await make(folder)) return true;
  if (await isStale(folder)) await breakLock(folder);
  return false;
}

/** Two that find the same stale lock must not both remove it: the second would remove the first one's new lock. */
async function breakLock(folder: string): Promise<void> {
  const guard = `${folder}.breaking`;
  if (!(await make(guard))) {
    if (await isStale(guard)) await rm(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (await isStale(folder)) await rm(folder, { recursive: true, force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

async function make(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(folder: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(folder)).mtimeMs > STALE_MS;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function renew(folder: string): Promise<void> {
  const now = new Date();
  // Somebody removed it: the work goes on, and what it makes is published by one rename.
  await utimes(folder, now, now).catch(() => undefined);
}
