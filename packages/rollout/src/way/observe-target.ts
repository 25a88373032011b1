import { type Observation, type Target, type Wanted, withPermit } from "@belay/core";
import type { Tenure } from "../ledger/tenure.ts";

/** A look at the target. What it changes by the way (an update that the engine paused goes on) needs this run's life, too. */
export function observeTarget(
  target: Pick<Target, "observe">,
  wanted: readonly Wanted[],
  { tenure, signal }: { readonly tenure: Pick<Tenure, "mayChangeInPassing"> | undefined; readonly signal: AbortSignal },
): Promise<Observation> {
  return withPermit(
    () => tenure?.mayChangeInPassing(),
    () => target.observe(wanted, signal),
  );
}
