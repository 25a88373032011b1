import type { Clock } from "@belay/core";

/**
 * The manager learns of a container's change from its node a moment after the event (its agents report in batches), and no
 * event tells when it has: so after an event that may decide one looks again after these times, in milliseconds. They are
 * close together at first, where it mostly is (batches of 100 ms; swarmkit, `manager/dispatcher`), since all wait for it.
 */
const ECHOES_MS = [50, 100, 160, 250, 400, 650, 1_000, 1_500] as const;
/** Where looks take long, so many of their own times are from one of these to the next. */
const ECHO_REST = 2;
/** From one event of that kind that is looked at on its own to the next, however many come. */
const LEAST_GAP_MS = 100;

/** Between two looks while something is under way of which no event tells: this much at first, then a share of the time. */
const FLUX_MS = { least: 500, most: 10_000 } as const;
const FLUX_SHARE = 0.4;
/**
 * While tasks of other nodes are under way, and when they all stand still: no event tells of them at all. Looks that take long
 * come less often, so many of their own times apart: a large stack is not worth the work.
 */
const REMOTE_MS = { flux: { least: 500, most: 1_000 }, rest: { least: 1_000, most: 2_000 }, perLook: 20 } as const;

/** What was seen to be under way at the last look. */
export interface Flux {
  /** Tasks are on their way somewhere, here or elsewhere. */
  readonly here: boolean;
  readonly elsewhere: boolean;
  /** There are tasks on other nodes. */
  readonly remote: boolean;
  /** How long that look took, in milliseconds. */
  readonly tookMs: number;
}

export const STILL: Flux = { here: false, elsewhere: false, remote: false, tookMs: 0 };

/**
 * Says when to look at the swarm. At once when an event may decide, some times after it; else at distances that grow with
 * the time that has passed, so that a rollout that takes ten times as long, for its number of replicas, costs only a few looks
 * more.
 */
export class LookTimes {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #flux: () => Flux;
  readonly #beganAt: number;
  #lookedAt: number;
  #urgent = false;
  #urgentAt: number;
  /** How many echoes of the last decisive event have been told. */
  #told: number = ECHOES_MS.length;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal, flux: () => Flux) {
    this.#clock = clock;
    this.#signal = signal;
    this.#flux = flux;
    this.#beganAt = clock.now();
    this.#lookedAt = this.#beganAt;
    this.#urgentAt = this.#beganAt;
  }

  /** Something happened that may decide. */
  ring(): void {
    this.#urgent = true;
    this.#wake?.();
  }

  /** Resolves when it is time to look; false when the signal has aborted. */
  async next(): Promise<boolean> {
    while (!this.#signal.aborted) {
      const now = this.#clock.now();
      const due = this.#due();
      if (due <= now) {
        this.#take(now);
        return true;
      }
      // What is under way is asked for again now and then: a look may show that something began.
      await this.#sleep(Math.min(due - now, FLUX_MS.least));
    }
    return false;
  }

  #take(now: number): void {
    if (this.#urgent) {
      this.#urgent = false;
      this.#urgentAt = now;
      this.#told = 0;
    }
    // One look is the answer to all that are past.
    while (now >= this.#echoAt()) this.#told += 1;
    this.#lookedAt = now;
  }

  #due(): number {
    // A look in between that only came with the time keeps nobody waiting.
    if (this.#urgent) return this.#urgentAt + LEAST_GAP_MS;
    const rested = this.#lookedAt + this.#flux().tookMs * ECHO_REST;
    return Math.min(Math.max(this.#echoAt(), rested), this.#lookedAt + this.#gap());
  }

  #echoAt(): number {
    return this.#urgentAt + (ECHOES_MS[this.#told] ?? Number.POSITIVE_INFINITY);
  }

  #gap(): number {
    const { here, elsewhere, remote, tookMs } = this.#flux();
    if (elsewhere) return between(REMOTE_MS.flux, tookMs * REMOTE_MS.perLook);
    const rest = between(REMOTE_MS.rest, tookMs * REMOTE_MS.perLook);
    const share = Math.max(FLUX_MS.least, (this.#clock.now() - this.#beganAt) * FLUX_SHARE);
    if (here) return Math.min(share, remote ? rest : FLUX_MS.most);
    return remote ? rest : Number.POSITIVE_INFINITY;
  }

  async #sleep(milliseconds: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#clock.sleep(milliseconds, AbortSignal.any([this.#signal, woken.signal]));
    } catch (error) {
      if (!this.#signal.aborted && !woken.signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }
}

function between({ least, most }: { readonly least: number; readonly most: number }, milliseconds: number): number {
  return Math.min(Math.max(least, milliseconds), most);
}
