import type { Clock } from "@belay/core";
import type { ImageChoice } from "@belay/registry";

/** The choices once more, as things are now: what was to go and is needed by now, or has a new name, stays. */
export type LookAgain = (choices: readonly ImageChoice[]) => Promise<readonly ImageChoice[]>;

/** Nothing is deleted on what was seen longer ago. */
const FRESH_MS = 30_000;

/** Looks again before the first deletion, and before every later one whose last look is too old. */
export class FreshChoices {
  readonly #clock: Clock;
  readonly #look: LookAgain;
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, look: LookAgain) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Nothing when the last look still holds. A look is as old as its beginning. */
  async renew(choices: () => readonly ImageChoice[]): Promise<readonly ImageChoice[] | undefined> {
    const now = this.#clock.now();
    if (now - this.#seenAt <= FRESH_MS) return undefined;
    const seen = await this.#look(choices());
    this.#seenAt = now;
    return seen;
  }
}
