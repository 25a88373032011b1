import { access, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../rig/cache-folder.ts";
import { withLock } from "../rig/with-lock.ts";

/**
 * Folder of a tool in the cache of the rigs, made by `install` the first time. `name` holds the version. The tool
 * appears whole or not at all, and only one process of the machine installs it.
 */
export async function installOnce(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(await cacheFolder(), name);
  return withLock(join(await cacheFolder("locks"), name), async () => {
    if (await exists(folder)) return folder;
    const fresh = await mkdtemp(`${folder}.`);
    try {
      await install(fresh);
      await rename(fresh, folder);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    return folder;
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
