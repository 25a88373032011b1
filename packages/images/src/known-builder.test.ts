import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { knownBuilder } from "./known-builder.ts";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder("belay-known-builder");
  await put("cli-plugins/docker-buildx", "");
  await chmod(join(folder.path, "cli-plugins/docker-buildx"), 0o755);
});
afterEach(() => folder.remove());

/** Writes one of the files of docker's client. */
async function put(path: string, text: string): Promise<void> {
  const full = join(folder.path, path);
  await mkdir(join(full, ".."), { recursive: true });
  await writeFile(full, text);
}

const HOST = "unix:///run/own.sock";
const yes = async (): Promise<boolean> => true;
const builderIn = (
  env: Readonly<Record<string, string>> = {},
  name?: string,
  hasBuildKit: () => Promise<boolean> = yes,
) => knownBuilder(hasBuildKit, name, { DOCKER_CONFIG: folder.path, ...env });

const current = (Name: string, Key = "unix:///var/run/docker.sock", Global = false): string =>
  JSON.stringify({ Key, Name, Global });
const instance = (Name: string, Driver?: string): string => JSON.stringify({ Name, Driver, Nodes: [], Dynamic: false });

const ENGINE = { kind: "buildx", name: "default", driver: "docker" };
const OWN = { kind: "buildx", name: "own", driver: "docker-container" };

type Files = Readonly<Record<string, string>>;
const STORED = { "buildx/instances/own": instance("own", "docker-container") };

it.for<[what: string, files: Files, env: Files, name: string | undefined, expected: object | undefined]>([
  ["the one that is named", STORED, {}, "Own", OWN],
  ["the one that the environment names", STORED, { BUILDX_BUILDER: "own" }, undefined, OWN],
  ["the chosen one", { ...STORED, "buildx/current": current("own") }, {}, undefined, OWN],
  [
    "the one chosen for this engine",
    { ...STORED, "buildx/current": current("own", HOST) },
    { DOCKER_HOST: HOST },
    undefined,
    OWN,
  ],
  ["the one chosen for all engines", { ...STORED, "buildx/current": current("own", HOST, true) }, {}, undefined, OWN],
  ["the engine's own where none was chosen", { "buildx/current": current("") }, {}, undefined, ENGINE],
  ["the engine's own where that is named", { "buildx/current": current("own") }, {}, "default", ENGINE],
  [
    "the engine's own of DOCKER_HOST",
    { "config.json": '{"currentContext":"far"}' },
    { DOCKER_HOST: HOST },
    "default",
    ENGINE,
  ],
  ["none that is not there", STORED, {}, "other", undefined],
  ["none outside of its folder", { "buildx/secret": instance("own", "remote") }, {}, "../secret", undefined],
  ["none of a driver that is not known", { "buildx/instances/own": instance("own", "cloud") }, {}, "own", undefined],
  ["none without a driver", { "buildx/instances/own": instance("own") }, {}, "own", undefined],
  ["none that can't be read", { "buildx/instances/own": "{" }, {}, "own", undefined],
  ["none where buildx never ran", {}, {}, undefined, undefined],
  [
    "none that was chosen for another engine",
    { ...STORED, "buildx/current": current("own", HOST) },
    {},
    undefined,
    undefined,
  ],
  [
    "none while one is kept for some engine",
    { "buildx/current": current(""), "buildx/defaults/0123": "own" },
    {},
    undefined,
    undefined,
  ],
  ["none of another context", { "buildx/current": current("") }, { DOCKER_CONTEXT: "far" }, undefined, undefined],
  ["not the engine's own from another context", {}, { DOCKER_CONTEXT: "far" }, "default", undefined],
  ["none in another folder", STORED, { BUILDX_CONFIG: "/nowhere" }, "own", undefined],
])("knows %s", async ([, files, env, name, expected]) => {
  for (const [path, text] of Object.entries(files)) await put(path, text);
  expect(await builderIn(env, name)).toEqual(expected);
});

it("takes an engine for a builder only where it has one, and asks for it only then", async () => {
  expect(await builderIn({}, "default", async () => false)).toBeUndefined();
  const never = (): Promise<boolean> => Promise.reject(new Error("asked"));
  await put("buildx/instances/own", instance("own", "remote"));
  expect(await builderIn({}, "own", never)).toMatchObject({ driver: "remote" });
  await expect(builderIn({}, "default", never)).rejects.toThrow("asked");
});

it("knows none without the plugin where docker looks for it", async () => {
  await put("buildx/instances/own", instance("own", "remote"));
  await chmod(join(folder.path, "cli-plugins/docker-buildx"), 0o644);
  const elsewhere = await knownBuilder(yes, "own", { DOCKER_CONFIG: folder.path }, []);
  expect(elsewhere).toBeUndefined();
});
