import type { Clock } from "@belay/core";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/**
 * Virtual time for tests: whoever sleeps is woken in order of time, at once, as soon as nothing else can run. No real
 * timer is used, so that minutes take milliseconds and every run of one seed is the same.
 */
export class SimTime {
  #now = 0;
  #order = 0;
  readonly #sleepers: Sleeper[] = [];

  get now(): number {
    return this.#now;
  }

  /** A machine's clock: all run equally fast, each with an offset of its own. */
  clock(offsetMs = 0): Clock {
    return {
      now: () => this.#now + offsetMs,
      date: () => new Date(Date.UTC(2026, 0, 1) + this.#now + offsetMs),
      sleep: (milliseconds, signal) => this.sleep(milliseconds, signal),
    };
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#remove(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, milliseconds),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#add(sleeper);
    });
  }

  /** Runs until `work` is settled. @throws when nothing is left that could settle it, or `limitMs` have passed. */
  async run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    work.then(mark, mark);
    const end = this.#now + limitMs;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return work;
      const next = this.#sleepers.pop();
      if (next === undefined) throw new Error("everybody waits for something that never comes");
      if (next.at > end) throw new Error(`not done after ${limitMs} ms of virtual time`);
      this.#now = next.at;
      next.wake();
    }
  }

  /** Latest first, so that the next one to wake is at the end. */
  #add(sleeper: Sleeper): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sleepers[middle];
      if (other !== undefined && (other.at > sleeper.at || (other.at === sleeper.at && other.order > sleeper.order))) {
        low = middle + 1;
      } else high = middle;
    }
    this.#sleepers.splice(low, 0, sleeper);
  }

  #remove(sleeper: Sleeper): void {
    const index = this.#sleepers.indexOf(sleeper);
    if (index >= 0) this.#sleepers.splice(index, 1);
  }
}
