import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EngineRig } from "./engine-rig.ts";
import { ensureTools } from "./ensure-tools.ts";
import { programRoot } from "./program-root.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Stand-ins for the public images of proxies. They hold nothing but the program and its libraries. */
export const PROXY_IMAGES = { nginx: "belay-test/nginx:1" } as const;

/** Puts Debian's nginx on an engine, without any registry. */
export async function makeProxyImages(engine: Pick<EngineRig, "docker">): Promise<typeof PROXY_IMAGES> {
  const { nginx } = await ensureTools(["nginx"]);
  // Folders into which Debian's nginx writes, whatever its configuration says.
  await importImage(engine, PROXY_IMAGES.nginx, nginx, ["/var/lib/nginx", "/var/log/nginx", "/run"]);
  return PROXY_IMAGES;
}

async function importImage(
  engine: Pick<EngineRig, "docker">,
  tag: string,
  program: string,
  folders: readonly string[],
): Promise<void> {
  await using folder = await temporaryFolder("belay-proxy");
  const root = join(folder.path, "root");
  await programRoot(root, program, "bin/proxy");
  for (const one of ["/etc", ...folders]) await mkdir(join(root, one), { recursive: true });
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/proxy\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\n");
  const tar = join(folder.path, "root.tar");
  await run("tar", ["-C", root, "-cf", tar, "."], { doing: `packing ${tag}` });
  await engine.docker(["import", "--change", 'ENTRYPOINT ["/bin/proxy"]', tar, tag]);
}
