import { readFileSync } from "node:fs";

/**
 * Resident memory of this process at its highest, in bytes. `getrusage` would not do: Linux lets a process inherit what its
 * parent had when it was forked (`exec_mmap` in fs/exec.c).
 */
export function peakMemory(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}
