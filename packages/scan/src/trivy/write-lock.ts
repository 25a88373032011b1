import { open, readFile } from "node:fs/promises";
import { type Clock, formatDuration } from "@belay/core";
import { ScanError } from "./could-not-scan.ts";
import { nextStep } from "./explain-failure.ts";

const POLL_MS = 100;

export interface UnlockedOptions {
  readonly doing: string;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Waits until no process holds a file of bbolt for writing. Trivy opens its database without a timeout (trivy, `pkg/db`, whose
 * options replace those of trivy-db), so that it would hang there for as long as the other one does, whatever its own timeout.
 * @throws ScanError `cache_locked`; the signal's reason
 */
export async function waitUntilUnlocked(file: string, options: UnlockedOptions): Promise<void> {
  const { clock, waitMs, doing, signal } = options;
  const until = clock.now() + waitMs;
  for (;;) {
    const holder = await writerOf(file);
    if (holder === undefined) return;
    if (clock.now() >= until) {
      const got = `the process ${holder} has held the lock of ${file} for more than ${formatDuration(waitMs)}`;
      throw new ScanError("cache_locked", { doing, got, next: nextStep("cache_locked") ?? "" });
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** Number of the process that holds it. Known on Linux only (proc_locks(5)). */
async function writerOf(file: string): Promise<string | undefined> {
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  if (!locks.includes("FLOCK")) return undefined;
  const name = await nameOf(file).catch(() => undefined);
  const held = new RegExp(`^\\d+: FLOCK +ADVISORY +WRITE +(\\d+) ${name} `, "m");
  return name === undefined ? undefined : held.exec(locks)?.[1];
}

/**
 * What the kernel calls a file where it lists locks: the device of its mount, and its own number. Whoever asks for the file
 * itself is told others of both by some file systems (overlay, btrfs).
 */
async function nameOf(file: string): Promise<string | undefined> {
  const handle = await open(file);
  try {
    const [told, mounts, { ino }] = await Promise.all([
      readFile(`/proc/self/fdinfo/${handle.fd}`, "utf8"),
      readFile("/proc/self/mountinfo", "utf8"),
      handle.stat(),
    ]);
    const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(told)?.[1];
    const device = new RegExp(`^${field("mnt_id")} \\d+ (\\d+):(\\d+) `, "m").exec(mounts);
    if (device === null) return undefined;
    const [major, minor] = device.slice(1).map((part) => Number(part).toString(16).padStart(2, "0"));
    // Linux tells the number there since 5.14.
    return `${major}:${minor}:${field("ino") ?? ino}`;
  } finally {
    await handle.close();
  }
}
