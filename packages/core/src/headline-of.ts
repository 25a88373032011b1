import { nothingRuns } from "./nothing-runs.ts";
import { OUTCOMES, type Outcome } from "./outcome.ts";
import type { DeploymentReport } from "./report.ts";

type Told = Pick<DeploymentReport, "outcome" | "rollback"> &
  Partial<Pick<DeploymentReport, "changes" | "running" | "once">>;

/** What is said in the place of a headline that calls it healthy. */
const IDLE: Readonly<Partial<Record<Outcome, string>>> = {
  succeeded: "Deployed, nothing of it runs now",
  unchanged: "Already in place, nothing of it runs now",
};

/**
 * How people are told how a deployment ended, in one line of plain text; a rollback by hand names what it went back to. Where no
 * instance is ready, none is called healthy.
 */
export function headlineOf(told: Told): string {
  const { outcome, rollback } = told;
  const { headline } = OUTCOMES[outcome];
  const isIdle = nothingRuns(told);
  if (rollback === undefined) return (isIdle ? IDLE[outcome] : undefined) ?? headline;
  const { to } = rollback;
  if (outcome === "succeeded")
    return `Rolled back to deployment ${to}, ${isIdle ? "nothing of it runs now" : "healthy"}`;
  if (outcome === "unchanged")
    return `Deployment ${to} is ${isIdle ? "in place already, nothing of it runs now" : "what runs already, healthy"}`;
  if (outcome === "rolled_back") return `Rollback to deployment ${to} failed, what ran before is back`;
  return `Rollback to deployment ${to}: ${headline}`;
}
