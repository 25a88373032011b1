import { readFile, stat } from "node:fs/promises";
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

/**
 * Number of the process that holds it. Known on Linux only (proc_locks(5)), and not where a file system tells another device
 * there than to whoever asks for the file.
 */
async function writerOf(file: string): Promise<string | undefined> {
  const locks = await readFile("/proc/locks", "utf8").catch(() => "");
  const found = locks === "" ? undefined : await stat(file).catch(() => undefined);
  if (found === undefined) return undefined;
  const { dev, ino } = found;
  // As the C library takes a device's number apart (makedev(3)).
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)].map((part) =>
    part.toString(16).padStart(2, "0"),
  );
  const held = new RegExp(`^\\d+: FLOCK +ADVISORY +WRITE +(\\d+) ${major}:${minor}:${ino} `, "m");
  return held.exec(locks)?.[1];
}
