import type { DeploymentReport } from "./report.ts";
import type { RunningService } from "./target.ts";

type Told = Partial<Pick<DeploymentReport, "changes" | "running">>;

/** What is to go on running, as it was read back. What runs once to its end leaves no instance, and none is missed. */
export function lastingServices({ changes = [], running = [] }: Told): readonly RunningService[] {
  const once = new Set(changes.filter(({ goal }) => goal === "complete").map(({ service }) => service));
  return running.filter(({ service }) => !once.has(service));
}

/** What runs was read back, and of all that is to go on running no instance is ready: then nothing can be called healthy. */
export function nothingRuns(told: Told): boolean {
  const { changes = [], running } = told;
  const lasting = lastingServices(told);
  const isAnyAsked = lasting.length > 0 || changes.some(({ goal, action }) => goal === "run" && action !== "remove");
  return running !== undefined && isAnyAsked && lasting.every(({ ready }) => ready === 0);
}
