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
export async function contextAddress(place: Place): Promise<string | undefined> {
  const written = writtenAddress(place);
  if (written !== undefined) return written;
  const name = await contextName(place);
  if (name === "" || name === "default") return undefined;
  // docker/cli `cli/context/store`: a folder per context, named by the hash of its name.
  const id = createHash("sha256").update(name).digest("hex");
  const meta = join(clientFolder(place.env), "contexts", "meta", id, "meta.json");
  return textAt(await readJson(meta), "Endpoints", "docker", "Host");
}

/** Whether nothing is written down of where the engine is, so that the command line opens {@link DEFAULT_SOCKET}. */
export async function isDefaultAddress(place: Place): Promise<boolean> {
  if (place.context !== undefined || writtenAddress(place) !== undefined) return false;
  return ["", "default"].includes(await contextName(place));
}

/** Whether the command line works for its context `default`, for which `DOCKER_HOST` stands too. */
export async function usesDefaultContext(env: Place["env"]): Promise<boolean> {
  return Boolean(env.DOCKER_HOST) || ["", "default"].includes(await contextName({ env }));
}

/** docker/cli `client.DefaultDockerHost` on Unix. */
export const DEFAULT_SOCKET = "/var/run/docker.sock";

function writtenAddress({ context, host, env }: Place): string | undefined {
  if (host !== undefined) return host;
  return context === undefined && env.DOCKER_HOST ? env.DOCKER_HOST : undefined;
}

async function contextName(place: Place): Promise<string> {
  const { context, env } = place;
  if (context !== undefined) return context;
  return (
    env.DOCKER_CONTEXT || (textAt(await readJson(join(clientFolder(place.env), "config.json")), "currentContext") ?? "")
  );
}

/** Where the command line keeps its settings, contexts, and what plugins keep. */
export function clientFolder(env: Place["env"]): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");
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
