import { isBelayError, type Log } from "@belay/core";
import type { Builder, DockerCli } from "./builder.ts";

/** The driver itself waits for two minutes, where its option `timeout` says nothing else (buildx, `driver/kubernetes`). */
const DEADLINE_MS = 300_000;

/**
 * Starts a builder in a cluster before several builds: side by side each would start it, and the second is refused what the
 * first makes (buildx, `driver/kubernetes`). Why one does not start is told by the build.
 */
export async function startBuilder(
  { runner, command = "docker", env = {} }: DockerCli,
  { name, driver }: Builder,
  log: Log,
  signal?: AbortSignal,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  if (driver !== "kubernetes" || name === undefined) return;
  const doing = `starting the builder ${name}`;
  const allowedExitCodes = Array.from({ length: 255 }, (_, index) => index + 1);
  try {
    await runner(command, ["buildx", "inspect", "--bootstrap", name], {
      ...{ doing, env, allowedExitCodes, deadlineMs },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    // The run's own end may be called so, too.
    if (signal?.aborted === true || !isBelayError(error, "TIMED_OUT")) throw error;
    log.warn(`The builder ${name} has not started after ${deadlineMs / 1_000} s: the builds try it themselves.`);
  }
}
