import { explainCause, NOTHING_PROVEN, STILL_THERE } from "@belay/core";
import type { reconcile } from "@belay/pipeline";

type Told = Pick<Awaited<ReturnType<typeof reconcile>>, "kind" | "deployments" | "outcome" | "cause" | "findings">;

/** What a recovery came to, in a sentence for a person. That the release before is back is said only when that was proven. */
export function tellRecovery(result: Told): string {
  return {
    nothing: "Nothing was left open.",
    alive: "A deployment is under way and its holder is alive: left alone.",
    recovered: `Deployment ${result.deployments.join(", ")} was left open by a run that died; ${whatRuns(result)}.`,
    superseded: "Another run was faster and puts it right.",
  }[result.kind];
}

function whatRuns({ outcome, cause, findings = [] }: Told): string {
  if (outcome === undefined) return "it had changed nothing";
  if (outcome === "rolled_back") return "the release before it is back";
  if (findings.some(({ check }) => check === NOTHING_PROVEN)) {
    const still = findings.filter(({ check }) => check === STILL_THERE).map(({ message }) => `; ${message}`);
    return `what ran before it was put back, and was not right before either: no release has been proven here yet${still.join("")}`;
  }
  return `what ran before it could not be proven (${cause === undefined ? outcome : explainCause(cause)})`;
}
