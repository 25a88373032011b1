import { messageOf, type Observation, withPermit } from "@belay/core";
import type { Tenure } from "../ledger/tenure.ts";
import type { RolloutPorts } from "../ports.ts";

/**
 * Has the target hold what has crashed of a release that goes, until `evidence` is there: from then on the way back changes
 * things. It restores nothing, and evidence that is held is not written over. Never fails; the way back does not wait for it.
 */
export async function holdFailed(
  { target, log }: Pick<RolloutPorts, "target" | "log">,
  tenure: Pick<Tenure, "mayChangeInPassing">,
  seen: Observation,
  evidence: Promise<void>,
): Promise<void> {
  const over = new AbortController();
  void evidence.then(() => over.abort());
  const mayChange = (): void => {
    tenure.mayChangeInPassing();
    over.signal.throwIfAborted();
  };
  try {
    await withPermit(mayChange, async () => target.hold?.(seen, over.signal));
  } catch (error) {
    if (!over.signal.aborted) log.debug(`What has crashed could not be held: ${messageOf(error)}`);
  }
}
