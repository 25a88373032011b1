import { BelayError, describeCause, NOTHING_PROVEN, STILL_THERE } from "@belay/core";
import { type RecoveryResult, recover } from "@belay/rollout";
import type { PipelineContext } from "../run/context.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs } from "../run/use-case-inputs.ts";
import { withRolloutPorts } from "../target/with-target.ts";
import { requireTrustedCheckout } from "../trust/require-trusted-checkout.ts";

/**
 * Puts right what a run that died left on the target: its deployment is taken over, the release before it is brought
 * back and proven. A deployment whose holder lives is left alone. `endedRun` is the name of a run that is known to be over
 * (a `post:` step comes after its own main step, which was trusted), so that nobody waits for signs of its life.
 * @throws BelayError INVALID_INPUT for code that nobody has accepted, and what the target throws
 */
export async function reconcile(
  context: PipelineContext,
  inputs: CommonInputs,
  endedRun?: string,
): Promise<RecoveryResult> {
  // What a main step was allowed to begin, its `post:` step may end: it is armed only then.
  if (endedRun === undefined) await requireTrustedCheckout(context, inputs, "reconciling");
  const settings = await settingsOf(context, inputs, "given");
  return withRolloutPorts(context, settings, inputs.githubToken, (ports) =>
    recover({ onAlive: "return" }, { ...ports, isGone: async (holder) => holder.run === endedRun }),
  );
}

/** @throws BelayError LEDGER_ERROR when a recovery ended in anything but a proven release: a person has to look. */
export function requireProven(result: RecoveryResult): void {
  if (result.kind !== "recovered" || result.outcome === undefined || result.outcome === "rolled_back") return;
  const told = (result.findings ?? []).filter(({ check }) => check === NOTHING_PROVEN || check === STILL_THERE);
  const why =
    told.length > 0 ? told.map(({ message }) => message).join("; ") : result.cause && describeCause(result.cause);
  throw new BelayError("LEDGER_ERROR", {
    doing: `putting deployment ${result.deployments.join(", ")} right`,
    got: `it ended as ${result.outcome}${why === undefined ? "" : `: ${why}`}`,
    next: "`belay status` tells what runs.",
  });
}
