import { hostname } from "node:os";
import type { Settings } from "@belay/config";
import type { Prober, Target } from "@belay/core";
import type { PipelineContext } from "../run/context.ts";

/** A target that is connected, with what a deployment asks of it beside the {@link Target} port. */
export interface OpenTarget {
  readonly target: Target;
  /** Begins to ask the environment's probes; `undefined` when it has none. */
  startProber(signal: AbortSignal): Promise<Prober | undefined>;
  /** @throws BelayError INVALID_INPUT when the target's place is not there, which the target itself would show as an empty one. */
  requirePlace?(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to the engine of an environment. Engines are loaded only when they are used.
 * @throws what connecting throws.
 */
export async function openTarget(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
): Promise<OpenTarget> {
  const { target } = settings;
  if (target.kind === "swarm") {
    const { openSwarm } = await import("./open-swarm.ts");
    return openSwarm(context, settings, target, githubToken);
  }
  if (target.kind === "kubernetes") {
    const { openKubernetes } = await import("./open-kubernetes.ts");
    return openKubernetes(context, settings, target, githubToken);
  }
  const { openCompose } = await import("./open-compose.ts");
  return openCompose(context, settings, target, githubToken);
}

/** Who this run is, for the ledger. */
export function holderOf(context: PipelineContext): { run: string; attempt: number; host: string } {
  const { env, runName } = context;
  return { run: runName, attempt: Number(env.GITHUB_RUN_ATTEMPT ?? "1"), host: env.RUNNER_NAME || hostname() };
}
