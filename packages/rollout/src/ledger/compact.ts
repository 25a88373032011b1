import type { Digest } from "@belay/core";
import type { Ledger } from "./ledger.ts";
import type { Listing, NumberedRecords } from "./record-names.ts";
import { isOpen, recordName } from "./record-names.ts";
import type { EndRecord } from "./records.ts";

/**
 * What compaction keeps: this many proven deployments, and this many of any kind. Between them also those that changed
 * something and did not put it back, as long as there are no more than `most` in all: what a proven deployment left is read
 * from the snapshots of the ones after it.
 */
export interface Keep {
  readonly proven: number;
  readonly any: number;
  readonly most: number;
}

export const KEEP: Keep = { proven: 20, any: 50, most: 100 };

/** How what left everything as it had found it has ended. */
const AS_FOUND: readonly unknown[] = ["rolled_back", "cancelled", "refused", "unchanged", "withdrawn"];

/**
 * Removes old deployments, beats and stop requests of those that have ended, and snapshot chunks that no begin names. Never what is open,
 * never the highest number; a begin goes last, so that a half-removed number is still seen to be taken.
 */
export async function compact(
  ledger: Ledger,
  removeAll: (names: readonly string[]) => Promise<void>,
  keep: Keep = KEEP,
): Promise<void> {
  const listing = await ledger.list();
  const open = new Set((await ledger.findOpen(listing)).map((one) => one.deployment));
  const claimed = claimedNumbers(listing);
  const old = claimed.slice(keep.any).filter((number) => !open.has(number));
  const kept = await keptForReturn(ledger, claimed, keep);
  for (const number of old.filter((one) => !kept.has(one))) await removeAll(inOrder(listing.numbers.get(number)));
  await removeAll(headless(listing));
  await removeAll(signsOfEnded(listing));
  await removeAll(await orphanedChunks(ledger, listing));
}

/** Newest first. */
function claimedNumbers(listing: Listing): number[] {
  const claimed = [...listing.numbers].filter(([, records]) => records.begin).map(([number]) => number);
  return claimed.sort((a, b) => b - a);
}

/**
 * The proven ones, and what a way back to them needs. Below the lowest of them nothing is kept, so that no gap is between.
 * Ends are read only once there is more than is kept anyway.
 */
async function keptForReturn(ledger: Ledger, claimed: readonly number[], keep: Keep): Promise<ReadonlySet<number>> {
  const kept = new Set<number>();
  if (claimed.length <= keep.any) return kept;
  let proven = 0;
  let between: number[] = [];
  for (const number of claimed) {
    if (proven >= keep.proven || kept.size + between.length >= keep.most) return kept;
    const end = await ledger.readEnd(number);
    if (end?.outcome === "succeeded") {
      for (const one of [...between, number]) kept.add(one);
      between = [];
      proven++;
    } else if (!leftAsFound(number, end)) between.push(number);
  }
  return kept;
}

/** Its snapshot shows then what the next one's shows as well. */
function leftAsFound(number: number, end: EndRecord | undefined): boolean {
  if (end?.outcome === "superseded") return end.runs?.proven === true && end.runs.deployment !== number;
  return AS_FOUND.includes(end?.outcome);
}

function inOrder(records: NumberedRecords | undefined): readonly string[] {
  const names = records?.names ?? [];
  return [...names.filter((name) => !name.endsWith(".begin")), ...names.filter((name) => name.endsWith(".begin"))];
}

/** What a late claim of a removed number left behind. */
function headless(listing: Listing): string[] {
  const below = [...listing.numbers].filter(([number, records]) => number < listing.highest && !records.begin);
  return below.flatMap(([, records]) => records.names);
}

/** Whoever stopped on a request says so in its end. */
function signsOfEnded(listing: Listing): string[] {
  const ended = [...listing.numbers].filter(([number]) => !isOpen(listing, number) && number <= listing.highest);
  return ended.flatMap(([, records]) => records.names.filter((name) => /\.(beat\.\d+|stop)$/.test(name)));
}

/** Numbers in which orphaned chunks are looked for: older ones were new once, and what came late goes with its number. */
const YOUNG = 3;

/** Chunks of a claim that lost its race. Those above the highest number may belong to a claim on its way. */
async function orphanedChunks(ledger: Ledger, listing: Listing): Promise<string[]> {
  const young = claimedNumbers(listing).slice(0, YOUNG);
  const orphans = young.map(async (number) => {
    const chunks = (listing.numbers.get(number)?.names ?? []).filter((name) => name.includes(".snap."));
    const begin = chunks.length === 0 ? undefined : await ledger.readBegin(number);
    if (begin === undefined) return [];
    const named = new Set((begin.snapshot ?? []).map((digest) => recordName.snap(number, digest as Digest)));
    return chunks.filter((name) => !named.has(name));
  });
  return (await Promise.all(orphans)).flat();
}
