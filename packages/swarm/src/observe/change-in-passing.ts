import { isBelayError } from "@belay/core";
import { isNotFound, isOutOfSequence } from "@belay/docker";

/**
 * Sends a change that a look makes by the way.
 * @returns false when somebody else was first, or this run may not send it any more: no look fails for that, and the next one
 * finds what is still to be done.
 */
export async function changeInPassing(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (isOutOfSequence(error) || isNotFound(error) || isBelayError(error, "FENCED", "LEDGER_ERROR")) return false;
    throw error;
  }
}
