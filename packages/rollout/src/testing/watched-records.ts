import { decodeBegin, decodeStop } from "../ledger/record-codec.ts";
import type { BeginRecord, StopRecord } from "../ledger/records.ts";

/** Remembers every end that was ever written, also those that were compacted since. */
export class WatchedRecords extends Map<string, Uint8Array> {
  /** Told of each request to stop, as it comes to stand, with the begin that it means. */
  onStop: (stop: StopRecord, begin: BeginRecord) => void = () => undefined;
  /** Per nonce of the begin that stood there: a late claim of a number that was compacted is another deployment. */
  readonly ends = new Map<string, Set<string>>();
  readonly #forgotten = new Set<string>();

  override set(name: string, bytes: Uint8Array): this {
    const stop = name.endsWith(".stop") ? decodeStop(bytes) : undefined;
    const meant = stop && decodeBegin(this.get(name.replace(".stop", ".begin")));
    if (stop !== undefined && meant?.nonce === stop.begin) this.onStop(stop, meant);
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
