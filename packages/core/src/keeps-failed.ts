import type { RolloutPolicy } from "./policy.ts";
import type { ServiceChange } from "./target.ts";

/** The check of the finding that there is nothing to go back to: no release has been proven here yet, and what runs is not right. */
export const NOTHING_PROVEN = "nothing_proven";

/** The check of the finding that instances of what was to be taken off are still there, beside what was put back. */
export const STILL_THERE = "still_there";

/** Whether a release that fails stays, by policy. A first deployment, with nothing to go back to, has a rule of its own. */
export function keepsFailed(
  services: readonly ServiceChange[],
  { onFailure, onFirstFailure }: Pick<RolloutPolicy, "onFailure" | "onFirstFailure">,
): boolean {
  const first = services.every((service) => service.from === undefined);
  return (first ? onFirstFailure : onFailure) === "keep";
}
