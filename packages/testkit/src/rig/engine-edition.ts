import { ensureTools } from "./ensure-tools.ts";
import { run } from "./run.ts";

/**
 * `debian`: the machine's own dockerd; on Debian 12 it speaks API 1.41 and keeps images in the classic store. `current`: one
 * that is built, with API 1.44 to 1.52 and containerd's image store.
 */
export type EngineEdition = "debian" | "current";

export interface PreparedEdition {
  /** Path of the dockerd. */
  readonly program: string;
  /** For its `daemon.json`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** For its clients. */
  readonly env: Readonly<Record<string, string>>;
}

/** What this test run wants: `BELAY_TEST_EDITION`, or `debian`. */
export function defaultEdition(): EngineEdition {
  return process.env.BELAY_TEST_EDITION === "current" ? "current" : "debian";
}

/** Debian's containerd and runc serve both. */
export async function prepareEdition(
  edition: EngineEdition,
  tools: { readonly docker: string; readonly dockerd: string },
): Promise<PreparedEdition> {
  if (edition === "debian") return { program: tools.dockerd, settings: {}, env: {} };
  const built = await ensureTools(["dockerdCurrent", "dockerProxyCurrent"]);
  const settings = { "userland-proxy-path": built.dockerProxyCurrent };
  return { program: built.dockerdCurrent, settings, env: await clientSettings(tools.docker) };
}

/**
 * A current engine speaks 1.44 at least. A command line from before Docker 25, which asks for an older version of its own,
 * has to be told.
 */
async function clientSettings(docker: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await run(docker, ["--version"]);
  const major = Number(/version (\d+)\./.exec(stdout)?.[1]);
  return major < 25 ? { DOCKER_API_VERSION: "1.44" } : {};
}
