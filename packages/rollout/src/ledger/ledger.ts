import { BelayError, type Clock, type Log, messageOf, type RecordStore, type Redactor } from "@belay/core";
import { type Chunk, cutChunks, readChunks } from "./chunks.ts";
import { compact, type Keep } from "./compact.ts";
import { momentOf } from "./moment.ts";
import { LIFE_MS, patientStore } from "./patient-store.ts";
import { decodeBegin, decodeEnd, decodeStop, encodeRecord } from "./record-codec.ts";
import { isOpen, type Listing, numberBefore, readListing, recordName } from "./record-names.ts";
import type { BeginRecord, EndRecord, Holder, StopRecord } from "./records.ts";
import { redactTexts } from "./redact-texts.ts";
import { Tenure } from "./tenure.ts";

export interface LedgerOptions {
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly holder: Holder;
  readonly random: () => number;
  /** Takes secrets out of the words that go into records: whoever can inspect the target can read them. */
  readonly redactor: Pick<Redactor, "redact">;
  /** How long a holder without a beat counts as alive, in milliseconds. Default 30,000. */
  readonly lifeMs?: number;
  readonly keep?: Keep;
}

/** What a claim says besides what the ledger knows itself. */
export type BeginDraft = Pick<
  BeginRecord,
  "intent" | "rollback" | "recovers" | "release" | "policy" | "before" | "ill" | "once"
>;
export type EndDraft = Pick<EndRecord, "outcome" | "cause" | "recoveredBy" | "runs" | "findings" | "running">;

export type StopDraft = Pick<StopRecord, "intent" | "release" | "rollback">;

/** A deployment that has begun and not ended. */
export interface OpenDeployment {
  readonly deployment: number;
  /** None when the record has no content: claimed by unknown, who never learnt of it and did nothing. */
  readonly begin: BeginRecord | undefined;
}

/** A claim with all that it wrote, so that it can be written again. */
export interface Held {
  readonly begin: BeginRecord;
  readonly chunks: readonly Chunk[];
}

/** The ledger of one environment, by the protocol of docs/ledger.md. Knows records, not engines. */
export class Ledger {
  readonly lifeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Its records, asked for patiently. */
  readonly store: RecordStore;
  readonly #options: LedgerOptions;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.lifeMs = options.lifeMs ?? LIFE_MS;
    this.clock = options.clock;
    this.log = options.log;
    this.store = patientStore(options.store, options);
  }

  async list(): Promise<Listing> {
    return readListing(await this.store.list());
  }

  async readBegin(deployment: number): Promise<BeginRecord | undefined> {
    return decodeBegin(await this.store.read(recordName.begin(deployment)));
  }

  async readEnd(deployment: number): Promise<EndRecord | undefined> {
    return decodeEnd(await this.store.read(recordName.end(deployment)));
  }

  async readStop(deployment: number): Promise<StopRecord | undefined> {
    return decodeStop(await this.store.read(recordName.stop(deployment)));
  }

  /** @throws BelayError LEDGER_ERROR when it is incomplete. */
  readSnapshot(begin: BeginRecord): Promise<Uint8Array> {
    return readChunks(this.store, begin.deployment, begin.snapshot ?? []);
  }

  /**
   * The open deployments that concern whoever comes next, newest first: the highest one and those that it was about to
   * recover. Any other number without an end is a claim that came too late for a number which was compacted, or half of a
   * compaction: it was never acted on, because a claim is given up unless it is the highest.
   */
  async findOpen(listing: Listing): Promise<readonly OpenDeployment[]> {
    const open: OpenDeployment[] = [];
    // Mostly: then nothing has to be read.
    if (![...listing.numbers.keys()].some((one) => isOpen(listing, one))) return open;
    let next: number | undefined = listing.highest;
    while (next !== undefined && listing.numbers.get(next)?.begin === true) {
      const deployment: number = next;
      const begin: BeginRecord | undefined = await this.readBegin(deployment);
      if (isOpen(listing, deployment)) open.push({ deployment, begin });
      next = begin?.recovers ?? (await this.#behind(listing, deployment, begin));
    }
    return open;
  }

  /** Behind a claim of unknown, or one that was withdrawn, the one before may still be open. */
  async #behind(listing: Listing, deployment: number, begin: BeginRecord | undefined): Promise<number | undefined> {
    const before = numberBefore(listing, deployment);
    if (before === undefined || !isOpen(listing, before)) return undefined;
    if (isOpen(listing, deployment)) return begin === undefined ? before : undefined;
    return (await this.readEnd(deployment))?.outcome === "withdrawn" ? before : undefined;
  }

  /**
   * Claims the number after `after`, with its snapshot written first. `undefined` when somebody else was faster, or
   * the number turned out to be an old one: survey again. `labelled`: a higher number that the target still shows.
   */
  async claim(after: number, draft: BeginDraft, snapshot?: Uint8Array, labelled = 0): Promise<Tenure | undefined> {
    // A number on labels was in the ledger first. It is there still, or truly lost.
    if (labelled > after && (await this.list()).highest !== after) return undefined;
    const deployment = Math.max(after, labelled) + 1;
    const chunks = snapshot === undefined ? undefined : cutChunks(snapshot);
    for (const chunk of chunks ?? []) await this.#putChunk(recordName.snap(deployment, chunk.digest), chunk.bytes);
    const begin: BeginRecord = {
      schema: "belay.ledger/v1",
      deployment,
      nonce: this.#nonce(),
      holder: this.#options.holder,
      // Once and not at each writing: put back, the record must be the same to the byte.
      ...redactTexts(draft, this.#options.redactor),
      ...(chunks === undefined ? {} : { snapshot: chunks.map((chunk) => chunk.digest) }),
      beganAt: this.clock.date().toISOString(),
    };
    const askedAt = momentOf(this.clock);
    const answer = await this.store.create(recordName.begin(deployment), encodeRecord(begin));
    if (!answer.created) return undefined;
    const listing = await this.list();
    if (isAlone(listing, after, deployment)) {
      const tenure = new Tenure(this, { begin, chunks: chunks ?? [] }, askedAt);
      if (deployment === after + 1 || (await this.#isLeft(tenure, after))) return tenure;
    }
    await this.writeEnd(deployment, { outcome: "withdrawn" });
    return undefined;
  }

  /** A ledger was lost: whoever lives puts his records back within a life, and is not to be disturbed. */
  async #isLeft(tenure: Tenure, after: number): Promise<boolean> {
    this.log.warn("Records of the ledger are lost: waiting for a life whether a deployment is still under way.");
    try {
      await this.clock.sleep(this.lifeMs);
      if (isAlone(await this.list(), after, tenure.deployment)) return true;
    } catch (error) {
      tenure.leave();
      throw error;
    }
    tenure.leave();
    return false;
  }

  /**
   * Shows life and looks whether the deployment is still its holder's, and whether a newer run asks it to stop. Records that
   * somebody has removed are put back.
   * @throws BelayError FENCED when it is not its holder's any more.
   */
  async prove(held: Held, beat: number): Promise<StopRecord | undefined> {
    const { deployment } = held.begin;
    await this.store.create(recordName.beat(deployment, beat), encodeBeat(this.#options.holder));
    let listing = await this.list();
    if (listing.highest < deployment) {
      await this.#putBack(held);
      listing = await this.list();
    }
    // After a removal, somebody else may have claimed the same number.
    const standing = await this.readBegin(deployment);
    if (standing !== undefined && standing.nonce !== held.begin.nonce) throw fenced(deployment);
    const mine = listing.highest === deployment ? isOpen(listing, deployment) : false;
    if (!mine && (await this.findOpen(listing))[0]?.deployment !== deployment) throw fenced(deployment);
    const old = listing.numbers.get(deployment)?.names ?? [];
    const others = old.filter((name) => name.includes(".beat.") && name !== recordName.beat(deployment, beat));
    await this.#sweep(others);
    return listing.numbers.get(deployment)?.stop ? this.#stopOf(held.begin) : undefined;
  }

  /** One for another begin of the same number says nothing of this one. */
  async #stopOf({ deployment, nonce }: BeginRecord): Promise<StopRecord | undefined> {
    const stop = await this.readStop(deployment);
    return stop?.begin === nonce ? stop : undefined;
  }

  /**
   * Asks the holder of a deployment to stop; it learns of it with its next beat at the latest. Asking one that has ended, is
   * dead, or was asked before changes nothing. Whether it may be asked at all is the caller's to know.
   */
  async askToStop({ deployment, nonce: begin }: BeginRecord, draft: StopDraft): Promise<void> {
    const { holder: by } = this.#options;
    const askedAt = this.clock.date().toISOString();
    const stop: StopRecord = {
      ...{ schema: "belay.ledger/v1", deployment, begin, nonce: this.#nonce(), by, askedAt },
      ...redactTexts(draft, this.#options.redactor),
    };
    await this.store.create(recordName.stop(deployment), encodeRecord(stop));
  }

  /** Rings when somebody asks that deployment to stop, where the engine tells it at once. Its holder looks at each beat anyway. */
  async *stopsAsked(deployment: number, signal: AbortSignal): AsyncGenerator<void> {
    yield* this.store.made?.(recordName.stop(deployment), signal) ?? [];
  }

  /** Writes an end. @returns false when another end stands there already. */
  async writeEnd(deployment: number, draft: EndDraft): Promise<boolean> {
    const nonce = this.#nonce();
    const endedAt = this.clock.date().toISOString();
    const told = redactTexts(draft, this.#options.redactor);
    const record: EndRecord = { schema: "belay.ledger/v1", deployment, nonce, ...told, endedAt };
    return (await this.store.create(recordName.end(deployment), encodeRecord(record))).created;
  }

  /** Removes what nobody needs any more (docs/ledger.md). Failing to is no harm: the next deployment does it. */
  async compact(): Promise<void> {
    try {
      await compact(this, (names) => this.#removeAll(names), this.#options.keep);
    } catch (error) {
      this.log.warn(`The ledger could not be compacted: ${messageOf(error)}`);
    }
  }

  /**
   * The begin is gone and no higher number is there, which no compaction does: somebody removed the records. A holder that
   * was taken over before that must not go on, so one life passes in which the later one puts its own back.
   */
  async #putBack({ begin, chunks }: Held): Promise<void> {
    const { deployment } = begin;
    this.log.warn(`Somebody removed the records of deployment ${deployment}, which is under way: they are put back.`);
    for (const chunk of chunks) await this.#putChunk(recordName.snap(deployment, chunk.digest), chunk.bytes);
    const answer = await this.store.create(recordName.begin(deployment), encodeRecord(begin));
    if (!answer.created) throw fenced(deployment);
    await this.clock.sleep(this.lifeMs);
  }

  async #sweep(names: readonly string[]): Promise<void> {
    try {
      await this.#removeAll(names);
    } catch (error) {
      this.log.debug(`An old beat could not be removed, the next beat will: ${messageOf(error)}`);
    }
  }

  async #removeAll(names: readonly string[]): Promise<void> {
    for (const name of names) await this.store.remove(name);
  }

  /** A chunk of that name that stands already is the same by its name, unless the engine lost its content. */
  async #putChunk(name: string, bytes: Uint8Array): Promise<void> {
    const answer = await this.store.create(name, bytes);
    if (answer.created || (answer.bytes !== undefined && Buffer.compare(answer.bytes, bytes) === 0)) return;
    await this.#removeAll([name]);
    await this.store.create(name, bytes);
  }

  #nonce(): string {
    const part = (): string => Math.floor(this.#options.random() * 0x1_0000_0000).toString(16);
    return `${part()}${part()}`;
  }
}

/** The claim is the highest. Over a gap two claims may both be the first of their number: then neither holds. */
function isAlone(listing: Listing, after: number, deployment: number): boolean {
  const between = [...listing.numbers.keys()].filter((one) => one > after && one < deployment);
  return listing.highest === deployment && !between.some((one) => isOpen(listing, one));
}

/** Beats need no content; the holder's name makes a foreign one visible. */
function encodeBeat(holder: Holder): Uint8Array {
  return Buffer.from(JSON.stringify(holder), "utf8");
}

export function fenced(deployment: number): BelayError {
  return new BelayError("FENCED", {
    doing: `holding deployment ${deployment}`,
    got: "another run took it over",
    next: "Nothing more is changed here; look at the other run's report.",
  });
}
