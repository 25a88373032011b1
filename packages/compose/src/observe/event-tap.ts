import type { Clock } from "@belay/core";
import type { Docker, EngineEvent, EventQuery } from "@belay/docker";

/** How long the stream stays open when nobody needs it any more: a deployment goes from one way to the next. */
const LINGER_MS = 5_000;
/** How long is waited for the stream to open before things are read without it. */
const OPENING_MS = 2_000;

export interface TapOptions {
  readonly docker: Pick<Docker, "events">;
  readonly clock: Clock;
  readonly filters: EventQuery["filters"];
  /** Engine's time, milliseconds since 1970. */
  readonly engineNow: () => number;
  readonly onEvent: (event: EngineEvent) => void;
}

/** A time in which events may have been missed. Engine's time, milliseconds since 1970. */
export interface Gap {
  readonly from: number;
  /** None as long as it lasts. */
  readonly to?: number;
}

/** One stream of the engine's events for all that read a target, open as long as somebody needs it. */
export class EventTap {
  readonly #options: TapOptions;
  readonly #waiting = new Set<() => void>();
  #gaps: readonly Gap[] = [];
  #users = 0;
  #round = 0;
  #lingering = 0;
  #error: unknown;
  #openedAt: number | undefined;
  #running: { readonly stop: AbortController; readonly opened: Promise<void> } | undefined;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** Since when nothing was missed (the clock's time); none while the stream is not open. */
  get openedAt(): number | undefined {
    return this.#openedAt;
  }

  /** When it was broken since it was opened first. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** Opens the stream unless it is open, and keeps it open for a while. Resolves when it is, or does not come to be. */
  async open(): Promise<void> {
    this.#users++;
    try {
      const { clock } = this.#options;
      const { opened } = this.#run();
      if (this.#openedAt !== undefined) return;
      const over = new AbortController();
      const late = clock.sleep(OPENING_MS, over.signal).catch(() => undefined);
      await Promise.race([opened, late]);
      over.abort();
    } finally {
      this.#release();
    }
  }

  /** Yields after events, several at once, until the signal aborts. @throws what ended the stream for good */
  async *follow(signal: AbortSignal): AsyncGenerator<void> {
    this.#users++;
    try {
      let round = this.#round;
      this.#run();
      while (!signal.aborted) {
        if (this.#round === round) await this.#next(signal);
        if (this.#running === undefined && !signal.aborted) return this.#giveUp();
        if (this.#round === round) continue;
        round = this.#round;
        yield;
      }
    } finally {
      this.#release();
    }
  }

  /** Resolves at the next event, at the latest after so long. */
  async next(signal: AbortSignal, withinMs: number): Promise<void> {
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    const late = this.#options.clock.sleep(withinMs, both).catch(() => undefined);
    await Promise.race([this.#next(both), late]);
    over.abort();
    signal.throwIfAborted();
  }

  close(): void {
    this.#running?.stop.abort();
  }

  #giveUp(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      if (signal.aborted) return done();
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #run(): { readonly opened: Promise<void> } {
    if (this.#running !== undefined && !this.#running.stop.signal.aborted) return this.#running;
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    const running = { stop, opened: opened.promise };
    this.#running = running;
    this.#openedAt = undefined;
    this.#error = undefined;
    void this.#listen(stop.signal, opened.resolve)
      .catch((error: unknown) => {
        this.#error = error;
      })
      .finally(() => {
        opened.resolve();
        stop.abort();
        if (this.#running !== running) return;
        this.#running = undefined;
        this.#openedAt = undefined;
        this.#ring();
      });
    return running;
  }

  async #listen(signal: AbortSignal, onOpened: () => void): Promise<void> {
    const { docker, clock, filters, engineNow, onEvent } = this.#options;
    const query: EventQuery = {
      ...(filters === undefined ? {} : { filters }),
      // What happens between the engine's first answer and its listening is repeated.
      since: engineNow() / 1_000,
      signal,
      onOpened: () => {
        if (signal.aborted) return;
        this.#gaps = this.#gaps.map((gap) => (gap.to === undefined ? { ...gap, to: engineNow() } : gap));
        this.#openedAt = clock.now();
        onOpened();
      },
      onBroken: () => {
        if (signal.aborted) return;
        this.#openedAt = undefined;
        const last = this.#gaps.at(-1);
        if (last === undefined || last.to !== undefined) this.#gaps = [...this.#gaps, { from: engineNow() }];
      },
    };
    for await (const event of docker.events(query)) {
      onEvent(event);
      this.#round++;
      this.#ring();
    }
  }

  #release(): void {
    this.#users--;
    const running = this.#running;
    if (this.#users > 0 || running === undefined) return;
    const round = ++this.#lingering;
    this.#options.clock.sleep(LINGER_MS, running.stop.signal).then(
      () => {
        if (this.#users === 0 && this.#lingering === round) running.stop.abort();
      },
      () => undefined,
    );
  }
}
