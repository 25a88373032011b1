import { BelayError, isBelayError, tail } from "@belay/core";
import type { TargetState } from "../target-state.ts";

const HOOK_DEADLINE_MS = 60_000;

/** Runs the user's command in the proxy's containers, so that it asks for the names again (`nginx -s reload`). */
export async function tellProxy({ docker, options, watch }: TargetState, signal: AbortSignal): Promise<void> {
  if (options.shift === undefined) return;
  const { service, command } = options.shift;
  const proxies = await watch.read(new Set([service]), "listed", signal);
  const running = proxies.filter((one) => one.inspect.State.Running);
  if (running.length === 0) options.log.warn(`${service} is not running: nobody was told that traffic moves`);
  for (const proxy of running) {
    const bounds = { signal, deadlineMs: HOOK_DEADLINE_MS };
    const { exitCode, output } = await docker.containers.exec(proxy.id, command, {}, bounds);
    if (exitCode === 0) continue;
    const said = options.redactor.redact(tail(output, 5).join("\n"));
    throw new BelayError("ENGINE_ERROR", {
      doing: `telling ${proxy.name} that traffic moves (${command.join(" ")})`,
      got: `it ended with exit code ${exitCode}: ${said}`,
      next: "Try the command with docker exec.",
    });
  }
}

/** The same on the way back, which goes on whatever the proxy answers: the old containers serve already. */
export async function tryToTellProxy(state: TargetState, signal: AbortSignal): Promise<void> {
  try {
    await tellProxy(state, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isBelayError(error)) throw error;
    state.options.log.warn(error.message);
  }
}
