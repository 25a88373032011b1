import { decodeBegin } from "../record-codec.ts";

/** Remembers every end that was ever written, also those that were compacted since. */
export class WatchedRecords extends Map<string, Uint8Array> {
  /** Per nonce of the begin that stood there: a late claim of a number that was compacted is another deployment. */
  readonly ends = new Map<string, Set<string>>();
  readonly #forgotten = new Set<string>();

  override set(name: string, bytes: Uint8Array): this {
    const [, number] = /^(\d+)\.end$/.exec(name) ?? [];
    const begin = number === undefined ? undefined : decodeBegin(this.get(`${number}.begin`));
    if (begin !== undefined && !this.#forgotten.has(begin.nonce)) {
      const known = this.ends.get(begin.nonce) ?? new Set();
      this.ends.set(begin.nonce, known.add(Buffer.from(bytes).toString("utf8")));
    }
    return super.set(name, bytes);
  }

  /** Once compaction took its end away, a late one of its dead holder tells nobody anything: its begin goes next. */
  override delete(name: string): boolean {
    const [, number] = /^(\d+)\.end$/.exec(name) ?? [];
    const begin = number === undefined ? undefined : decodeBegin(this.get(`${number}.begin`));
    if (begin !== undefined) this.#forgotten.add(begin.nonce);
    return super.delete(name);
  }
}
