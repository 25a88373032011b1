import { constants } from "node:fs";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { clientFolder, DEFAULT_SOCKET, usesDefaultContext } from "@belay/docker";
import type { Builder } from "./builder.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Beside the client's own folder (docker/cli, `cli-plugins/manager/manager_unix.go`). */
const PLUGIN_FOLDERS = ["/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"].map((folder) =>
  join(folder, "docker", "cli-plugins"),
);

/** buildx's name of the context `default` as a builder. No other builder may have it. */
const DEFAULT = "default";
/** buildx, `store/util.go`. */
const NAME = /^[a-zA-Z][a-zA-Z0-9.\-_]*$/;
/** Those of which buildx's drivers have builders that people make; of another it knows better what it is. */
const DRIVERS: readonly unknown[] = ["docker-container", "kubernetes", "remote"];

/**
 * What `findBuilder` would answer, where buildx's own files and the engine tell it for sure: `docker buildx inspect` is two
 * programs, and asks every node of the builder how it is, which takes from a tenth of a second to many. `undefined` where
 * anything is unusual: then buildx is asked. `hasBuildKit`: whether the engine is a builder itself; called where that counts.
 */
export async function knownBuilder(
  hasBuildKit: () => Promise<boolean>,
  name?: string,
  env: Environment = process.env,
  pluginFolders: readonly string[] = PLUGIN_FOLDERS,
): Promise<Builder | undefined> {
  const client = clientFolder(env);
  if (process.platform === "win32" || !(await hasBuildx([join(client, "cli-plugins"), ...pluginFolders])))
    return undefined;
  const folder = env.BUILDX_CONFIG || join(client, "buildx");
  const wanted = name ?? (env.BUILDX_BUILDER || (await currentName(folder, env)));
  if (wanted === undefined) return undefined;
  if (wanted !== DEFAULT) return storedBuilder(folder, wanted);
  const isEngine = (await usesDefaultContext(env)) && (await hasBuildKit());
  return isEngine ? { kind: "buildx", name: DEFAULT, driver: "docker" } : undefined;
}

async function hasBuildx(folders: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, "docker-buildx"), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/**
 * Which one was chosen by `docker buildx use`, {@link DEFAULT} where none was (buildx, `store/store.go`). Where that file is
 * missing buildx never ran with this folder: its own may be another user's, when `docker` is a script with sudo in it.
 */
async function currentName(folder: string, env: Environment): Promise<string | undefined> {
  // A context of its own name is a builder of that name.
  if (!(await usesDefaultContext(env))) return undefined;
  const current = await readObject(join(folder, "current"));
  if (current === undefined) return undefined;
  const { Key, Name, Global } = current;
  if (typeof Name === "string" && Name !== "") {
    const isChosen = Global === true || Key === (env.DOCKER_HOST || `unix://${DEFAULT_SOCKET}`);
    return isChosen ? Name : undefined;
  }
  // One that was chosen for another engine is kept there meanwhile.
  const kept = await readdir(join(folder, "defaults")).catch(() => []);
  return kept.length === 0 ? DEFAULT : undefined;
}

async function storedBuilder(folder: string, name: string): Promise<Builder | undefined> {
  if (!NAME.test(name)) return undefined;
  const { Name, Driver } = (await readObject(join(folder, "instances", name.toLowerCase()))) ?? {};
  if (typeof Name !== "string" || typeof Driver !== "string" || !DRIVERS.includes(Driver)) return undefined;
  return { kind: "buildx", name: Name, driver: Driver };
}

/** `undefined` where there is none; and where it can't be read, buildx says what is wrong with it. */
async function readObject(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
