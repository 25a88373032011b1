import { OUTCOMES } from "./outcome.ts";
import type { DeploymentReport } from "./report.ts";

/** How people are told how a deployment ended, in one line of plain text; a rollback by hand names what it went back to. */
export function headlineOf({ outcome, rollback }: Pick<DeploymentReport, "outcome" | "rollback">): string {
  const { headline } = OUTCOMES[outcome];
  if (rollback === undefined) return headline;
  if (outcome === "succeeded") return `Rolled back to deployment ${rollback.to}, healthy`;
  if (outcome === "unchanged") return `Deployment ${rollback.to} is what runs already, healthy`;
  if (outcome === "rolled_back") return `Rollback to deployment ${rollback.to} failed, what ran before is back`;
  return `Rollback to deployment ${rollback.to}: ${headline}`;
}
