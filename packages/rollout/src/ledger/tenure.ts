import { BelayError, type Clock, isBelayError, messageOf } from "@belay/core";
import { type EndDraft, fenced, type Held, type Ledger } from "./ledger.ts";
import { ageOf, type Moment, momentOf } from "./moment.ts";
import type { BeginRecord, StopRecord } from "./records.ts";

/** How long a proof of life may take before the watchdog does not wait for it any more, as a share of a life. */
const PROOF_SHARE = 1 / 30;

/**
 * A deployment that this run holds. It shows life until it is ended or left, and knows at any time whether it may still
 * change the target: only while its last proof of life is younger than half a life (docs/ledger.md).
 */
export class Tenure {
  readonly #held: Held;
  readonly #ledger: Ledger;
  #provenAt: Moment;
  #beats = 0;
  #proving: Promise<void> | undefined;
  /** The end is on its way, or written: to a proof that is sent now it looks as if somebody else had ended this. */
  #ending = false;
  #life = new AbortController();
  readonly #over = new AbortController();
  readonly #stop = new AbortController();
  #stopRequest: StopRecord | undefined;

  /** `askedAt`: just before the claim was sent. */
  constructor(ledger: Ledger, held: Held, askedAt: Moment) {
    this.#ledger = ledger;
    this.#held = held;
    this.#provenAt = askedAt;
    void this.#live();
    void this.#listen();
  }

  get begin(): BeginRecord {
    return this.#held.begin;
  }

  get deployment(): number {
    return this.begin.deployment;
  }

  /** Aborts when another run took over, or when life could not be shown in time. Ask for it anew after {@link guard}. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** Aborts when a newer run asks for the environment. It is still ours, to be left as it was found. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Who asked, once {@link stop} has aborted. */
  get stopRequest(): StopRecord | undefined {
    return this.#stopRequest;
  }

  /**
   * To be awaited before a step that changes the target. Look at {@link stop} after it, too.
   * @throws BelayError FENCED when another run took over, or the store's error when that can't be found out.
   */
  async guard(): Promise<void> {
    if (isBelayError(this.#life.signal.reason, "FENCED")) throw this.#life.signal.reason;
    // A proof may be old by the time its answer is here: a slow store, a process that was stopped in between.
    for (let attempt = 0; !this.isFresh(); attempt++) {
      if (attempt === 3) throw this.#stale();
      await this.#prove();
      if (this.#life.signal.aborted) this.#life = new AbortController();
    }
  }

  /**
   * Asked just before each change within the step is sent: nothing that waits comes in between. It needs no timer to have
   * fired, as those of a process that was stopped fire in any order when it is woken.
   * @throws what {@link signal} has aborted with, or aborts with now: FENCED, or LEDGER_ERROR for a proof that is too old.
   */
  mayChange(): void {
    if (!this.isFresh() && !this.#life.signal.aborted) this.#life.abort(this.#stale());
    this.#life.signal.throwIfAborted();
  }

  /**
   * The same for what a look changes by the way. It belongs to no step that {@link guard} came before, so that a life that was
   * cut off in between does not matter once there is a new proof.
   * @throws FENCED, or LEDGER_ERROR for a proof that is too old.
   */
  mayChangeInPassing(): void {
    if (isBelayError(this.#life.signal.reason, "FENCED")) throw this.#life.signal.reason;
    if (!this.#isProven()) throw this.#stale();
  }

  /** True while the last proof of life is young enough to change the target. */
  isFresh(): boolean {
    return !this.#life.signal.aborted && this.#isProven();
  }

  #isProven(): boolean {
    return ageOf(this.#provenAt, this.#ledger.clock) < this.#ledger.lifeMs / 2;
  }

  /**
   * Ends the deployment, after a last look whether it is still ours.
   * @throws BelayError FENCED when another run took over: then nothing that this run knows of the target may be said.
   */
  async end(draft: EndDraft): Promise<void> {
    await this.#prove();
    this.#ending = true;
    const written = await this.#ledger.writeEnd(this.deployment, draft);
    this.leave();
    if (!written || (await this.#wasTakenOver())) throw fenced(this.deployment);
  }

  /** Stops to show life without an end: the next run recovers. */
  leave(): void {
    this.#over.abort();
  }

  /**
   * A recoverer that claimed while the end was on its way may be restoring already. And when the begin is gone, the
   * deployment was ended by somebody else and compacted since: this end stands alone.
   */
  async #wasTakenOver(): Promise<boolean> {
    const { highest, numbers } = await this.#ledger.list();
    // Lower: somebody removed the records just now, and nobody has claimed anything since.
    if (highest <= this.deployment) return false;
    if (numbers.get(this.deployment)?.begin !== true) return true;
    const next = await this.#ledger.readBegin(this.deployment + 1);
    return next === undefined || next.recovers === this.deployment;
  }

  async #live(): Promise<void> {
    const { clock, lifeMs } = this.#ledger;
    while (!this.#over.signal.aborted) {
      if (await wasCut(clock, lifeMs / 3, this.#over.signal)) return;
      await this.#beat();
    }
  }

  /** A request to stop is heard with the next beat; here that beat comes at once. */
  async #listen(): Promise<void> {
    const { signal } = this.#over;
    try {
      for await (const _asked of this.#ledger.stopsAsked(this.deployment, signal)) await this.#beat();
    } catch (error) {
      if (!signal.aborted) this.#ledger.log.debug(`Requests to stop are only looked for: ${messageOf(error)}`);
    }
  }

  async #beat(): Promise<void> {
    const { clock, lifeMs, log } = this.#ledger;
    const watchdog = new AbortController();
    const left = lifeMs / 2 - ageOf(this.#provenAt, clock);
    // A wall clock that was set forward makes the last proof look old: the next one may be a moment away. {@link mayChange} knows.
    void wasCut(clock, Math.max(lifeMs * PROOF_SHARE, left), watchdog.signal).then((cut) => {
      if (!cut && !this.#over.signal.aborted) this.#life.abort(this.#stale());
    });
    try {
      await this.#prove();
    } catch (error) {
      if (isBelayError(error, "FENCED")) this.leave();
      if (this.#ending && isBelayError(error, "FENCED")) return;
      log.warn(`Deployment ${this.deployment} could not show life: ${messageOf(error)}`);
      if (!this.#over.signal.aborted && !this.isFresh()) this.#life.abort(this.#stale());
    } finally {
      watchdog.abort();
    }
  }

  /** One proof at a time: beats of one tenure are numbered in order. */
  async #prove(): Promise<void> {
    // Its failure is its own caller's.
    while (this.#proving !== undefined) await Promise.allSettled([this.#proving]);
    this.#proving = this.#proveOnce();
    try {
      await this.#proving;
    } finally {
      this.#proving = undefined;
    }
  }

  async #proveOnce(): Promise<void> {
    const askedAt = momentOf(this.#ledger.clock);
    this.#beats += 1;
    try {
      this.#hear(await this.#ledger.prove(this.#held, this.#beats));
    } catch (error) {
      if (isBelayError(error, "FENCED")) this.#fence(error);
      throw error;
    }
    this.#provenAt = askedAt;
  }

  /** For good, also where the watchdog had cut this life off before: whoever was stopped past it wakes up like that. */
  #fence(error: BelayError): void {
    if (this.#life.signal.aborted) this.#life = new AbortController();
    this.#life.abort(error);
  }

  #hear(request: StopRecord | undefined): void {
    if (request === undefined || this.#stopRequest !== undefined) return;
    this.#stopRequest = request;
    this.#ledger.log.info(`Run ${request.by.run} asks deployment ${this.deployment} to stop.`);
    const doing = `holding deployment ${this.deployment}`;
    this.#stop.abort(new BelayError("CANCELLED", { doing, got: "a newer run asked for the environment" }));
  }

  #stale(): BelayError {
    return new BelayError("LEDGER_ERROR", {
      doing: `holding deployment ${this.deployment}`,
      got: "the last proof of life is older than half of the time after which another run may take over",
      next: "Nothing is changed until the ledger has shown that it is still this run's.",
    });
  }
}

/** Waits; true when the signal cut it short. */
async function wasCut(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(milliseconds, signal);
    return signal.aborted;
  } catch (error) {
    if (signal.aborted) return true;
    throw error;
  }
}
