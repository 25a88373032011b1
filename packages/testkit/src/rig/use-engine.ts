import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { engineInfo } from "./engine-info.ts";
import { type EngineOptions, type EngineRig, startEngine } from "./engine-rig.ts";
import { ensureTools } from "./ensure-tools.ts";
import { run } from "./run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What may be done to an engine that somebody else started. */
export type AttachedEngine = Pick<EngineRig, "host" | "env" | "docker" | "stop"> & AsyncDisposable;

/**
 * The engine named by `BELAY_TEST_ENGINE=unix://…` if it is set, otherwise a new one. Tests that restart or kill an
 * engine take `startEngine`: they must not do that to somebody else's.
 */
export async function useEngine(options: EngineOptions = {}): Promise<AttachedEngine> {
  const host = process.env.BELAY_TEST_ENGINE;
  return host ? attachEngine(host, options) : startEngine(options);
}

/** A rig for an engine that runs already, with a client configuration of its own. `stop` leaves the engine alone. */
export async function attachEngine(host: string, options: EngineOptions = {}): Promise<AttachedEngine> {
  if (!host.startsWith("unix://") || (await engineInfo(host.slice("unix://".length))) === undefined) {
    throw new Error(`BELAY_TEST_ENGINE=${host}: no engine answers there (unix:///path/to/docker.sock is wanted)`);
  }
  const plugins = options.buildx ? (["compose", "buildx"] as const) : (["compose"] as const);
  const tools: Readonly<Record<string, string>> = await ensureTools(["docker", ...plugins]);
  const folder = await temporaryFolder("belay-client");
  await mkdir(join(folder.path, "cli-plugins"));
  for (const plugin of plugins)
    await symlink(tools[plugin] ?? "", join(folder.path, "cli-plugins", `docker-${plugin}`));
  const env = { DOCKER_HOST: host, DOCKER_CONFIG: folder.path, DOCKER_CONTEXT: "", PATH: process.env.PATH ?? "" };
  return {
    host,
    env,
    docker: (args, more = {}) => run("docker", args, { deadlineMs: 120_000, ...more, env: { ...env, ...more.env } }),
    stop: folder.remove,
    [Symbol.asyncDispose]: folder.remove,
  };
}
