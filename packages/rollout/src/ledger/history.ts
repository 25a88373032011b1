import type { RecordStore } from "@belay/core";
import { decodeBegin, decodeEnd } from "./record-codec.ts";
import { type Listing, readListing, recordName } from "./record-names.ts";
import type { BeginRecord, EndRecord, RunsFacts } from "./records.ts";

export interface HistoryEntry {
  readonly deployment: number;
  /** None when the record is there without content (a daemon that crashed while it was made). */
  readonly begin?: BeginRecord;
  /** None while it is open, alive or dead, and when the record has no content. */
  readonly end?: EndRecord;
  /** It has begun and not ended. */
  readonly open: boolean;
}

/** Deployments of an environment, newest first, without claims that were withdrawn. At most `limit` of them. */
export async function history(store: RecordStore, limit = 20): Promise<readonly HistoryEntry[]> {
  const listing = readListing(await store.list());
  const entries: HistoryEntry[] = [];
  for (const deployment of claimed(listing)) {
    if (entries.length >= limit) break;
    const entry = await readEntry(store, listing, deployment);
    if (entry.end?.outcome !== "withdrawn") entries.push(entry);
  }
  return entries;
}

/** What the ledger says should run now: from the newest end that knows. `undefined` when nothing was ever deployed. */
export async function current(store: RecordStore): Promise<RunsFacts | undefined> {
  const listing = readListing(await store.list());
  for (const deployment of claimed(listing)) {
    const { end } = await readEntry(store, listing, deployment);
    if (end?.runs !== undefined) return end.runs;
  }
  return undefined;
}

/** Whether the judge has ever converged on something here: compaction keeps the ends that say so. */
export async function everProven(store: RecordStore): Promise<boolean> {
  const listing = readListing(await store.list());
  for (const deployment of claimed(listing)) {
    const { end } = await readEntry(store, listing, deployment);
    if (end?.runs?.proven === true) return true;
  }
  return false;
}

function claimed(listing: Listing): number[] {
  const numbers = [...listing.numbers].filter(([, records]) => records.begin).map(([number]) => number);
  return numbers.sort((a, b) => b - a);
}

async function readEntry(store: RecordStore, listing: Listing, deployment: number): Promise<HistoryEntry> {
  const begin = decodeBegin(await store.read(recordName.begin(deployment)));
  const ended = listing.numbers.get(deployment)?.end === true;
  const end = ended ? decodeEnd(await store.read(recordName.end(deployment))) : undefined;
  return {
    deployment,
    open: !ended,
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  };
}
