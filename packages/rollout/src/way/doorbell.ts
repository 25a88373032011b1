import { type Clock, type Log, messageOf, type Prober, type Target } from "@belay/core";

/** Two looks at the target are at least this far apart, however many events come. */
const LEAST_GAP_MS = 50;

/** Wakes the watch when something may have changed. */
export class Doorbell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rings with every change that the target or the prober tells of, until the signal aborts. */
  connect(target: Target, prober: Prober | undefined, signal: AbortSignal, log: Log): void {
    void this.#follow("the engine's events", signal, log, async () => {
      for await (const _change of target.changes(signal)) this.ring();
    });
    if (prober === undefined) return;
    void this.#follow("the probes", signal, log, async () => {
      while (!signal.aborted) {
        await prober.changed(signal);
        this.ring();
        await this.#clock.sleep(LEAST_GAP_MS, signal);
      }
    });
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves when it rings, at `until` (monotonic), or when the signal aborts. */
  async wait(until: number, signal: AbortSignal): Promise<void> {
    const since = this.#clock.now();
    await this.#sleep(Math.min(LEAST_GAP_MS, until - since), signal);
    if (!this.#rung) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await this.#sleep(until - this.#clock.now(), AbortSignal.any([signal, woken.signal]));
    }
    this.#wake = undefined;
    this.#rung = false;
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      if (milliseconds > 0) await this.#clock.sleep(milliseconds, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A stream that breaks is no harm: the watch looks regularly all the same. */
  async #follow(what: string, signal: AbortSignal, log: Log, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.debug(`${what} can't be followed, looking regularly instead: ${messageOf(error)}`);
    }
  }
}
