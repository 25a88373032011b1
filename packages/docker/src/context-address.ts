import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

interface Place {
  readonly context?: string;
  readonly host?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The engine's address as the docker command line would find it: a host, else a context, each given or from the environment
 * or its configuration. `undefined` where nothing is written down (then it is a local socket), or can't be read here: the
 * command line itself says then what is wrong.
 */
export async function contextAddress({ context, host, env }: Place): Promise<string | undefined> {
  if (host !== undefined) return host;
  if (context === undefined && env.DOCKER_HOST) return env.DOCKER_HOST;
  const folder = env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");
  const name = context ?? (env.DOCKER_CONTEXT || textAt(await readJson(join(folder, "config.json")), "currentContext"));
  if (name === undefined || name === "" || name === "default") return undefined;
  // docker/cli `cli/context/store`: a folder per context, named by the hash of its name.
  const id = createHash("sha256").update(name).digest("hex");
  return textAt(await readJson(join(folder, "contexts", "meta", id, "meta.json")), "Endpoints", "docker", "Host");
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return typeof found === "string" ? found : undefined;
}
