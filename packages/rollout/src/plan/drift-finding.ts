import type { Finding, Plan } from "@belay/core";
import type { RunsFacts } from "../ledger/records.ts";
import { driftedServices } from "../way-back/same-release.ts";

/** What preflight says when something else runs than the proven release of the ledger; nothing when it is that. */
export function driftFinding(before: RunsFacts | undefined, plan: Plan): Finding | undefined {
  const drifted = driftedServices(before, plan);
  if (drifted.length === 0) return undefined;
  const known = before?.deployment === undefined ? "the ledger says" : `deployment ${before.deployment} left`;
  return {
    level: "warn",
    check: "drifted",
    message: `something else runs than ${known}: ${drifted.join(", ")}`,
    remedy: "Somebody changed it by hand. That is what a failure would bring back.",
  };
}
