import type { CreateResult, RecordStore } from "@belay/core";

/** A fault for one call of a {@link MemoryStore}: before it took effect, or after, when only the answer is lost. */
export interface StoreFault {
  readonly when: "before" | "after";
  readonly error: Error;
}

export interface MemoryStoreOptions {
  /** Asked before each call; may wait, to delay it. */
  readonly onCall?: (operation: "create" | "list" | "read" | "remove", name: string) => Promise<StoreFault | undefined>;
  /** Awaited before an answer goes back. */
  readonly onAnswer?: () => Promise<void>;
}

/** Records in memory, for tests of everything that stands on a ledger. Several stores can share one map of records. */
export class MemoryStore implements RecordStore {
  readonly records: Map<string, Uint8Array>;
  readonly #options: MemoryStoreOptions;

  constructor(records: Map<string, Uint8Array> = new Map(), options: MemoryStoreOptions = {}) {
    this.records = records;
    this.#options = options;
  }

  create(name: string, bytes: Uint8Array): Promise<CreateResult> {
    return this.#call("create", name, () => {
      const standing = this.records.get(name);
      if (standing === undefined) this.records.set(name, Uint8Array.from(bytes));
      const created = standing === undefined || Buffer.compare(standing, bytes) === 0;
      return created ? { created: true } : { created: false, bytes: standing };
    });
  }

  list(): Promise<readonly string[]> {
    return this.#call("list", "", () => [...this.records.keys()]);
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#call("read", name, () => this.records.get(name));
  }

  remove(name: string): Promise<void> {
    return this.#call("remove", name, () => {
      this.records.delete(name);
    });
  }

  async #call<T>(operation: "create" | "list" | "read" | "remove", name: string, work: () => T): Promise<T> {
    const fault = await this.#options.onCall?.(operation, name);
    if (fault?.when === "before") throw fault.error;
    const answer = work();
    await this.#options.onAnswer?.();
    if (fault?.when === "after") throw fault.error;
    return answer;
  }
}
