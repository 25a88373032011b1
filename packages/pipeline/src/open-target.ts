import { hostname } from "node:os";
import type { Settings } from "@belay/config";
import { BelayError, type Prober, type Target, type TargetKind } from "@belay/core";
import type { PipelineContext } from "./context.ts";

/** A target that is connected, with what a deployment asks of it beside the {@link Target} port. */
export interface OpenTarget {
  readonly target: Target;
  /** Begins to ask the environment's probes; `undefined` when it has none. */
  startProber(signal: AbortSignal): Promise<Prober | undefined>;
  close(): Promise<void>;
}

/**
 * Connects to the engine of an environment. Engines are loaded only when they are used.
 * @throws BelayError INVALID_INPUT for an engine that this version has not, and what connecting throws.
 */
export async function openTarget(
  context: PipelineContext,
  settings: Settings,
  githubToken: string,
): Promise<OpenTarget> {
  const { target, environment } = settings;
  if (target.kind === "compose") {
    const { openCompose } = await import("./open-compose.ts");
    return openCompose(context, settings, target, githubToken);
  }
  if (target.kind === "swarm") {
    const { openSwarm } = await import("./open-swarm.ts");
    return openSwarm(context, settings, target, githubToken);
  }
  throw notYet(target.kind, environment);
}

/** Who this run is, for the ledger. */
export function holderOf(context: PipelineContext): { run: string; attempt: number; host: string } {
  const { env, runName } = context;
  return { run: runName, attempt: Number(env.GITHUB_RUN_ATTEMPT ?? "1"), host: env.RUNNER_NAME || hostname() };
}

function notYet(kind: TargetKind, environment: string): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: `preparing the deployment to \`${environment}\``,
    got: `its target is ${kind}, and this version of Belay can't deploy to it yet`,
    next: "Legal values of `target`: compose, swarm.",
  });
}
