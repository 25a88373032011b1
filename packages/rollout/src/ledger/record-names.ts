import { type Digest, shortDigest } from "@belay/core";

export type RecordKind = "begin" | "beat" | "end" | "snap" | "stop";

/** Names of a ledger's records. At most 26 characters, lower case, so that every store can hold them. */
export const recordName = {
  begin: (deployment: number): string => `${digits(deployment)}.begin`,
  beat: (deployment: number, count: number): string => `${digits(deployment)}.beat.${count}`,
  end: (deployment: number): string => `${digits(deployment)}.end`,
  stop: (deployment: number): string => `${digits(deployment)}.stop`,
  snap: (deployment: number, chunk: Digest): string => `${digits(deployment)}.snap.${shortDigest(chunk, 16)}`,
} as const;

const NAME = /^(\d{4,})\.(begin|end|beat|snap|stop)(?:\.([0-9a-f]+))?$/;

/** What the ledger holds of one deployment, from the names alone. */
export interface NumberedRecords {
  readonly begin: boolean;
  readonly end: boolean;
  /** Somebody asked its holder to stop. */
  readonly stop: boolean;
  /** Highest beat; 0 when there is none. */
  readonly beat: number;
  readonly names: readonly string[];
}

/** All deployments by number, from a listing of names. Names that are no records of a ledger are left out. */
export interface Listing {
  readonly numbers: ReadonlyMap<number, NumberedRecords>;
  /** Highest number that was claimed; 0 in an empty ledger. */
  readonly highest: number;
}

const NONE: NumberedRecords = { begin: false, end: false, stop: false, beat: 0, names: [] };

export function readListing(names: readonly string[]): Listing {
  const numbers = new Map<number, NumberedRecords>();
  for (const name of names) {
    const [, digitsOf, kind, key] = NAME.exec(name) ?? [];
    if (digitsOf === undefined) continue;
    const number = Number(digitsOf);
    const before = numbers.get(number) ?? NONE;
    numbers.set(number, {
      begin: before.begin || kind === "begin",
      end: before.end || kind === "end",
      stop: before.stop || kind === "stop",
      beat: kind === "beat" ? Math.max(before.beat, Number(key)) : before.beat,
      names: [...before.names, name],
    });
  }
  const claimed = [...numbers].filter(([, records]) => records.begin).map(([number]) => number);
  return { numbers, highest: Math.max(0, ...claimed) };
}

/** True when the deployment was claimed and has no end. */
export function isOpen(listing: Listing, deployment: number): boolean {
  const records = listing.numbers.get(deployment);
  return records?.begin === true && !records.end;
}

/** The next lower number that was claimed. */
export function numberBefore(listing: Listing, deployment: number): number | undefined {
  const lower = [...listing.numbers].filter(([number, records]) => number < deployment && records.begin);
  return lower.length === 0 ? undefined : Math.max(...lower.map(([number]) => number));
}

function digits(deployment: number): string {
  return String(deployment).padStart(4, "0");
}
