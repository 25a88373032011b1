import type { Clock, Log, Probe, ProbeReading } from "@belay/core";
import { messageOf } from "@belay/core";
import type { ProbeResult } from "./probe.ts";
import type { Slots } from "./slots.ts";

export interface QuestionParts {
  readonly probe: Probe;
  /** Tells this probe from all others of its service. */
  readonly title: string;
  /** None when the service as a whole is asked. */
  readonly instance?: { readonly id: string; readonly title: string };
  readonly clock: Clock;
  readonly log: Log;
  readonly slots: Slots;
  readonly ask: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly onChange: () => void;
}

/** One probe asked again and again of one instance, or of the service as a whole; counts what came back. */
export class Question {
  readonly #parts: QuestionParts;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #state: ProbeReading["state"] = "waiting";
  #detail = "not asked yet";
  #failures = 0;
  /** The turn at which the last failure was counted. */
  #failedIn = -1;
  /** How often others came to answer, and how often they had when it was last asked with success. */
  #renewals = 0;
  #provenAt = 0;
  /** Ends the wait for the next turn. */
  #hurry = new AbortController();

  constructor(parts: QuestionParts) {
    this.#parts = parts;
    this.#done = this.#repeat();
  }

  reading(): ProbeReading {
    const { probe, instance, title } = this.#parts;
    return {
      title,
      service: probe.service,
      ...(instance === undefined ? {} : { instance: instance.id }),
      state: this.#state,
      detail: this.#detail,
      ...(this.#isOutdated ? { outdated: true } : {}),
    };
  }

  /** Others answer from now on: what was asked before says nothing of them. Asks them at once. */
  renew(): void {
    this.#renewals++;
    this.#hurry.abort();
  }

  get #isOutdated(): boolean {
    return this.#state === "passing" && this.#provenAt !== this.#renewals;
  }

  /** Ends what is being asked; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Asks at fixed times, counted from the first one: a slow answer costs its own turn and shifts no later one. */
  async #repeat(): Promise<void> {
    const { clock, probe } = this.#parts;
    const { signal } = this.#stop;
    const began = clock.now();
    try {
      while (!signal.aborted) {
        await this.#askOnce(Math.floor((clock.now() - began) / probe.intervalMs));
        const passed = clock.now() - began;
        await this.#pause((Math.floor(passed / probe.intervalMs) + 1) * probe.intervalMs - passed);
      }
    } catch (error) {
      if (!signal.aborted)
        this.#count(
          { ok: false, detail: `the probe itself broke: ${messageOf(error)}` },
          { renewals: 0, turn: Infinity },
        );
    }
  }

  async #askOnce(turn: number): Promise<void> {
    const { slots, ask } = this.#parts;
    const { signal } = this.#stop;
    let renewals = 0;
    const result = await slots.run(signal, () => {
      this.#hurry = new AbortController();
      renewals = this.#renewals;
      return ask(signal);
    });
    this.#count(result, { renewals, turn });
  }

  /** @throws when the question was stopped meanwhile. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    const either = AbortSignal.any([signal, this.#hurry.signal]);
    try {
      await this.#parts.clock.sleep(milliseconds, either);
    } catch (error) {
      if (!this.#hurry.signal.aborted) throw error;
      signal.throwIfAborted();
    }
  }

  /**
   * A failure counts only after the first success: an instance that starts is not failing (the start time of the
   * rollout's policy ends that wait). And only once a turn: the retries are the time that a proxy is given to notice who has
   * come and gone, and whoever is asked at once each time has used them up before.
   */
  #count({ ok, detail }: ProbeResult, asked: { readonly renewals: number; readonly turn: number }): void {
    const { retries } = this.#parts.probe;
    const before = this.#state;
    const wasOutdated = this.#isOutdated;
    if (ok) this.#provenAt = asked.renewals;
    if (ok) this.#failures = 0;
    else if (asked.turn > this.#failedIn) {
      this.#failures++;
      this.#failedIn = asked.turn;
    }
    if (ok) this.#state = "passing";
    else if (before !== "waiting" && this.#failures >= retries) this.#state = "failing";
    this.#detail = ok ? detail : `${detail}${this.#tally(retries)}`;
    if (this.#state !== before) this.#tell();
    else if (wasOutdated && !this.#isOutdated) this.#parts.onChange();
    else if (!ok) this.#parts.log.debug(`probe ${this.#name()}: ${this.#detail}`);
  }

  #tally(retries: number): string {
    if (this.#state === "waiting") return "";
    return ` (failure ${this.#failures} in a row, ${retries} make it failing)`;
  }

  #tell(): void {
    const { log, onChange } = this.#parts;
    const line = `probe ${this.#name()}: ${this.#state}, ${this.#detail}`;
    if (this.#state === "failing") log.warn(line);
    else log.info(line);
    onChange();
  }

  #name(): string {
    const { probe, instance, title } = this.#parts;
    return `${title} of ${instance?.title ?? probe.service}`;
  }
}
