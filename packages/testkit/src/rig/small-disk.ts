import { spawnSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

/** Makes a folder that is a disk of its own, in memory. `name`: what the machine's list of mounts calls it. */
export async function mountDisk(folder: string, bytes: number, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=711`, name, folder]);
}

/** Takes it away again, also when it is in use or never was one; usable while a process ends. */
export function unmountDisk(folder: string): void {
  spawnSync("umount", ["--lazy", folder], { stdio: "ignore" });
}

/** Leaves no free byte on it. */
export async function fillDisk(folder: string): Promise<void> {
  // `dd` ends with 1 when nothing more fits.
  const { stderr } = await run("dd", ["if=/dev/zero", `of=${fillerOf(folder)}`, "bs=64k"], { allowedExitCodes: [1] });
  if (!stderr.includes("No space left")) throw new Error(`the disk could not be filled: ${stderr}`);
}

export function freeDisk(folder: string): Promise<void> {
  return rm(fillerOf(folder), { force: true });
}

function fillerOf(folder: string): string {
  return join(folder, "filler");
}
