import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Folder for what is built or downloaded once per machine: `BELAY_CACHE`, or `~/.cache/belay`. It is made if need be. */
export async function cacheFolder(...parts: string[]): Promise<string> {
  const root = process.env.BELAY_CACHE || join(homedir(), ".cache", "belay");
  const folder = join(root, ...parts);
  await mkdir(folder, { recursive: true });
  return folder;
}
