import { AsyncLocalStorage } from "node:async_hooks";

/** Throws when the target may not be changed any more. */
export type MayChange = () => void;

const permits = new AsyncLocalStorage<MayChange>();
const allowed: MayChange = () => undefined;

/**
 * Does work in whose course every change of the target needs `mayChange`. It goes with all that the work calls, however
 * deep, so that no step can forget it; what was begun outside (proofs of life) needs none.
 */
export function withPermit<T>(mayChange: MayChange, work: () => T): T {
  return permits.run(mayChange, work);
}

/**
 * For whatever sends changes to a target (an engine's client, a tool): to be had when the call begins, and asked after its
 * last wait, just before the change is sent. A process that was stopped meanwhile must not go on with it.
 */
export function changePermit(): MayChange {
  return permits.getStore() ?? allowed;
}

/** Whether a look may change anything by the way. Where it may not, it only looks. */
export function mayChangeInPassing(): boolean {
  try {
    changePermit()();
    return true;
  } catch {
    return false;
  }
}
