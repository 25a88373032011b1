/** What `create` answers: the record was made, or somebody was faster and this is what stands there. */
export type CreateResult =
  | { readonly created: true }
  | { readonly created: false; readonly bytes: Uint8Array | undefined };

/**
 * The one primitive that a target offers for records. Names are unique within the scope of the store.
 * `create` is atomic: of any number of callers exactly one gets `created: true`. A caller whose answer was lost and who
 * asks again with the *same bytes* gets `created: true` too, if the record that stands is its own.
 */
export interface RecordStore {
  create(name: string, bytes: Uint8Array): Promise<CreateResult>;
  /** Names of all records of the scope, in no order. */
  list(): Promise<readonly string[]>;
  /** `undefined` when there is no such record; empty bytes when it exists without content (docs/ledger.md). */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Removing what is not there is no error. */
  remove(name: string): Promise<void>;
  /**
   * Rings when a record of that name is made, by anybody, until the signal aborts. It may miss one, so that whoever waits for
   * it looks now and then all the same. Left out where the engine does not tell it for free.
   */
  made?(name: string, signal: AbortSignal): AsyncIterable<void>;
}
