import { type RecoveryResult, recover } from "@belay/rollout";
import type { PipelineContext } from "./context.ts";
import { holderOf, openTarget } from "./open-target.ts";
import { settingsOf } from "./settings-of.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/**
 * Puts right what a run that died left on the target: its deployment is taken over, the release before it is brought
 * back and proven. A deployment whose holder lives is left alone. `endedRun` is the name of a run that is known to be over
 * (a `post:` step comes after its own main step), so that nobody waits for signs of its life.
 */
export async function reconcile(
  context: PipelineContext,
  inputs: CommonInputs,
  endedRun?: string,
): Promise<RecoveryResult> {
  const settings = await settingsOf(context, inputs);
  const open = await openTarget(context, settings, inputs.githubToken);
  const probing = new AbortController();
  try {
    const prober = await open.startProber(probing.signal);
    const { clock, log, signal } = context;
    return await recover(
      { onAlive: "return" },
      {
        target: open.target,
        clock,
        log,
        signal,
        random: Math.random,
        holder: holderOf(context),
        isOver: async (holder) => holder.run === endedRun,
        ...(prober === undefined ? {} : { prober }),
      },
    );
  } finally {
    probing.abort();
    await open.close();
  }
}
