import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";
import { ensureTools } from "./ensure-tools.ts";
import { describeImage, exists, keyOf, makeLayer } from "./make-base-images.ts";
import { programRoot } from "./program-root.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { withLock } from "./with-lock.ts";

/** Stand-in for `moby/buildkit`: what buildx's drivers docker-container and kubernetes start. */
export const BUILDKIT_IMAGE = "belay-test/buildkit:1";

/** What is in the image, by path. buildx asks for `buildctl` there, by its plain name. */
const PROGRAMS = {
  buildkitd: "usr/bin/buildkitd",
  buildctl: "usr/bin/buildctl",
  runc: "usr/bin/runc",
  busybox: "bin/sh",
} as const;

/** Path of an archive with that image, made of this machine's programs. Kept in the cache. */
export async function buildkitImageArchive(): Promise<string> {
  const tools = await ensureTools(["buildkitd", "buildctl", "runc", "busybox"]);
  const target = join(await cacheFolder("images"), `buildkit-${await keyOf(Object.values(tools))}.tar`);
  return withLock(join(await cacheFolder("locks"), "buildkit-image"), async () => {
    if (await exists(target)) return target;
    await using folder = await temporaryFolder("belay-buildkit-image");
    await copyFile(await makeArchive(folder.path, tools), `${target}.part`);
    await rename(`${target}.part`, target);
    return target;
  });
}

async function makeArchive(folder: string, tools: Readonly<Record<keyof typeof PROGRAMS, string>>): Promise<string> {
  const archive = join(folder, "archive");
  const root = join(folder, "root");
  await mkdir(archive);
  for (const name of ["tmp", "run", "etc", "var/lib/buildkit"]) await mkdir(join(root, name), { recursive: true });
  for (const [name, path] of Object.entries(PROGRAMS)) {
    await programRoot(root, tools[name as keyof typeof PROGRAMS], path);
  }
  const layer = await makeLayer(root, join(archive, "buildkit.tar"));
  // As moby/buildkit has it: where the state is, no other overlay lies below.
  const entry = { Entrypoint: ["buildkitd"], Volumes: { "/var/lib/buildkit": {} } };
  const manifest = [await describeImage(folder, BUILDKIT_IMAGE, [layer], entry)];
  await writeFile(join(archive, "manifest.json"), JSON.stringify(manifest));
  const made = join(folder, "buildkit.tar");
  await run("tar", ["-C", archive, "-cf", made, "."], { doing: "packing the image of BuildKit" });
  return made;
}
