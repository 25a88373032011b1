import type { Goal } from "@belay/core";
import type { ServiceSpec } from "@belay/docker";

export type ModeKind = "replicated" | "global" | "replicated job" | "global job";

/** What kind of service it is. Nothing said means one replica, as for the engine. */
export function modeOf({ Mode }: Pick<ServiceSpec, "Mode">): ModeKind {
  if (Mode?.Global != null) return "global";
  if (Mode?.ReplicatedJob != null) return "replicated job";
  return Mode?.GlobalJob == null ? "replicated" : "global job";
}

export function isJob(spec: Pick<ServiceSpec, "Mode">): boolean {
  return modeOf(spec).endsWith("job");
}

/** Jobs, and services whose tasks are never started again, run to an end. */
export function goalOf(spec: ServiceSpec): Goal {
  return isJob(spec) || spec.TaskTemplate.RestartPolicy?.Condition === "none" ? "complete" : "run";
}

/** How many tasks a service wants; `undefined` for one task on each node. */
export function wantedTasks({ Mode }: Pick<ServiceSpec, "Mode">): number | undefined {
  if (Mode?.Global != null || Mode?.GlobalJob != null) return undefined;
  if (Mode?.ReplicatedJob != null) return Mode.ReplicatedJob.TotalCompletions ?? Mode.ReplicatedJob.MaxConcurrent ?? 1;
  return Mode?.Replicated?.Replicas ?? 1;
}

/** The spec with this many replicas; of another mode than `replicated` it stays as it is. */
export function withReplicas(spec: ServiceSpec, replicas: number): ServiceSpec {
  if (modeOf(spec) !== "replicated") return spec;
  return { ...spec, Mode: { Replicated: { ...spec.Mode?.Replicated, Replicas: replicas } } };
}
