import { type Held, Ledger, type LedgerOptions } from "../ledger/ledger.ts";
import { recordName } from "../ledger/record-names.ts";

/** Ways to break the protocol on purpose: the model must find each of them, or its silence proves nothing. */
export const FLAWS = [
  "a holder never looks whether it was taken over",
  "a waiter declares death ten times too early",
  "changes are made without asking whether it may",
  "nobody asks again after a wait within a step",
  "the last to create a record wins",
  "the highest number is compacted as well",
  "a recoverer does not restore",
  "a holder goes on although it was asked to stop",
  "an older release asks a newer one to stop",
  "whoever asked another to stop does not wait for its end",
  "who was asked to stop puts nothing back",
  "who only its CI calls over is not waited for",
] as const;

export type Flaw = (typeof FLAWS)[number];

/** The ledger that a runner of the model holds with. */
export function openLedger(options: LedgerOptions, flaw: Flaw | undefined): Ledger {
  if (flaw === "a holder never looks whether it was taken over") return new BlindLedger(options);
  if (flaw === "the highest number is compacted as well") return new ForgetfulLedger(options);
  return new Ledger(options);
}

/** Shows life, and believes that all is well. */
class BlindLedger extends Ledger {
  readonly #store: LedgerOptions["store"];

  constructor(options: LedgerOptions) {
    super(options);
    this.#store = options.store;
  }

  override async prove({ begin }: Held, beat: number): Promise<undefined> {
    await this.#store.create(recordName.beat(begin.deployment, beat), new Uint8Array());
    return undefined;
  }
}

class ForgetfulLedger extends Ledger {
  readonly #store: LedgerOptions["store"];

  constructor(options: LedgerOptions) {
    super(options);
    this.#store = options.store;
  }

  override async compact(): Promise<void> {
    for (const name of await this.#store.list()) await this.#store.remove(name);
  }
}
