import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";
import { ensureTools } from "./ensure-tools.ts";
import { describeImage, exists, keyOf, makeLayer } from "./make-base-images.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { withLock } from "./with-lock.ts";

/** Name of the image that holds a pod's namespaces. */
export const PAUSE_IMAGE = "pause.local/belay/pause:1";

/** Path of an archive with that image, made of this machine's busybox. Kept in the cache. */
export async function pauseImageArchive(): Promise<string> {
  const { busybox } = await ensureTools(["busybox"]);
  const target = join(await cacheFolder("images"), `pause-${await keyOf([busybox])}.tar`);
  return withLock(join(await cacheFolder("locks"), "pause-image"), async () => {
    if (await exists(target)) return target;
    await using folder = await temporaryFolder("belay-pause");
    const archive = join(folder.path, "archive");
    await mkdir(archive);
    await mkdir(join(folder.path, "root/bin"), { recursive: true });
    await copyFile(busybox, join(folder.path, "root/bin/busybox"));
    const layer = await makeLayer(join(folder.path, "root"), join(archive, "pause.tar"));
    const entry = { Entrypoint: ["/bin/busybox", "sleep", "2147483647"] };
    const manifest = [await describeImage(folder.path, PAUSE_IMAGE, [layer], entry)];
    await writeFile(join(archive, "manifest.json"), JSON.stringify(manifest));
    await run("tar", ["-C", archive, "-cf", join(folder.path, "pause.tar"), "."], { doing: "packing the pause image" });
    await copyFile(join(folder.path, "pause.tar"), `${target}.part`);
    await rename(`${target}.part`, target);
    return target;
  });
}
