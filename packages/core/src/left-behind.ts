import { isBelayError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Leftover } from "./target.ts";

/** The check of the finding that tells of a {@link Leftover}. */
export const LEFT_BEHIND = "left_behind";

/**
 * What a target clears away after it has proven the release, and that serves nobody any more. When the engine refuses that
 * for good, the release is no worse for it: it is kept here, to be told beside the outcome.
 */
export class LeftBehind {
  readonly #log: Log;
  readonly #all = new Map<string, Leftover>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The act that clears away begins, maybe once more: what it left before may have gone by itself since. */
  begin(): void {
    this.#all.clear();
  }

  /** Clears one thing away, or notes that it stays. @throws what may heal by itself: the act is repeated then. */
  async attempt(thing: Omit<Leftover, "why">, clear: () => Promise<unknown>): Promise<void> {
    try {
      await clear();
      this.#all.delete(thing.what);
    } catch (error) {
      if (!isBelayError(error, "ENGINE_ERROR", "ENGINE_FORBIDDEN")) throw error;
      const why = messageOf(error);
      this.#log.warn(`${thing.what} stays behind: ${why}`);
      this.#all.set(thing.what, { ...thing, why });
    }
  }

  all(): readonly Leftover[] {
    return [...this.#all.values()];
  }
}
