import type { DeploymentReport } from "./report.ts";
import type { RunningService, ServiceChange } from "./target.ts";

type Told = Partial<Pick<DeploymentReport, "changes" | "running" | "once">>;

/** Services of a plan that run once to their end. */
export function onceAmong(changes: readonly Pick<ServiceChange, "service" | "goal">[]): readonly string[] {
  return changes.filter(({ goal }) => goal === "complete").map(({ service }) => service);
}

function runOnce({ changes = [], once = [] }: Told): ReadonlySet<string> {
  return new Set([...onceAmong(changes), ...once]);
}

/** What is to go on running, as it was read back. What runs once to its end leaves no instance, and none is missed. */
export function lastingServices(told: Told): readonly RunningService[] {
  const once = runOnce(told);
  return (told.running ?? []).filter(({ service }) => !once.has(service));
}

/** Services that ran once to their good end, as was proven: that no instance of one is ready any more is as it should be. */
export function doneServices(told: Told & Pick<DeploymentReport, "outcome">): ReadonlySet<string> {
  const { outcome, running = [] } = told;
  if (outcome !== "succeeded" && outcome !== "unchanged") return new Set();
  const once = runOnce(told);
  const ended = running.filter(({ service, ready, desired }) => once.has(service) && ready < desired);
  return new Set(ended.map(({ service }) => service));
}

/** What runs was read back, and of all that is to go on running no instance is ready: then nothing can be called healthy. */
export function nothingRuns(told: Told): boolean {
  const { changes = [], running } = told;
  const lasting = lastingServices(told);
  const isAnyAsked = lasting.length > 0 || changes.some(({ goal, action }) => goal === "run" && action !== "remove");
  return running !== undefined && isAnyAsked && lasting.every(({ ready }) => ready === 0);
}
