import type { Settings } from "@belay/config";
import type { Prober } from "@belay/core";
import type { ProberOptions } from "@belay/health";
import type { PipelineContext } from "../run/context.ts";

/** How the instances of an engine are reached. */
export type InstanceAccess = Pick<ProberOptions, "engineIsLocal" | "addressOf" | "exec">;

/** Begins to ask the environment's probes; `undefined` when it has none. */
export async function startProber(
  { clock, log }: PipelineContext,
  { health }: Settings,
  access: () => Promise<InstanceAccess>,
  signal: AbortSignal,
): Promise<Prober | undefined> {
  if (health.length === 0) return undefined;
  const { createProber } = await import("@belay/health");
  return createProber({ probes: health, clock, log, signal, ...(await access()) });
}
