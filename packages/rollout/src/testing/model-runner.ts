import {
  BelayError,
  type Clock,
  type CreateResult,
  isBelayError,
  type RecordStore,
  Redactor,
  sha256,
} from "@belay/core";
import { whyNotAsk } from "../deployment/why-not-ask.ts";
import { Ledger, type OpenDeployment } from "../ledger/ledger.ts";
import { MemoryStore } from "../ledger/memory-store.ts";
import type { BeginRecord, ReleaseFacts, RunsFacts } from "../ledger/records.ts";
import { takeOver } from "../ledger/take-over.ts";
import type { Tenure } from "../ledger/tenure.ts";
import { awaitTurn, type Turn } from "../ledger/turn.ts";
import { openLedger } from "./flaw.ts";
import type { LedgerModel } from "./ledger-model.ts";
import { silentLog } from "./silent-log.ts";

/** One life in the model, in virtual milliseconds. */
export const LIFE_MS = 3_000;
export const SERVICES = 3;
/** So few that a runner which was paused for long finds its number compacted. */
export const KEEP = { proven: 1, any: 2, most: 4 };

/** One runner: a process that can be paused and killed at any of its steps. */
export class ModelRunner {
  readonly ledger: Ledger;
  /** The same ledger, as it is looked at by who waits for a turn. */
  readonly #waiting: Ledger;
  readonly #model: LedgerModel;
  readonly #name: string;
  readonly #killAt: number;
  readonly #pauseAt: number;
  readonly #unlucky: number;
  /** Age of what it deploys: the higher, the newer. Several may have the same. */
  readonly #age: number;
  readonly #supersedes: boolean;
  /** How often it hears of a holder that it is over. */
  readonly #rumours: number;
  #steps = 0;
  #dead = false;
  #pausedUntil = 0;
  #died: () => void = () => undefined;

  constructor(model: LedgerModel, name: string) {
    this.#model = model;
    this.#name = name;
    const { random } = model;
    this.#killAt = !model.calm && random() < 0.5 ? Math.floor(random() * 60) : Number.POSITIVE_INFINITY;
    this.#pauseAt = !model.calm && random() < 0.5 ? Math.floor(random() * 60) : Number.POSITIVE_INFINITY;
    this.#unlucky = random() < 0.5 ? 0 : random() * 0.15;
    this.#age = Math.floor(random() * 4);
    this.#supersedes = !model.calm && random() < 0.5;
    this.#rumours = random() < 0.6 ? 0 : 0.2;
    const options = {
      store: this.#store(),
      clock: this.#clock(random() * 1_200_000 - 600_000),
      log: silentLog(),
      redactor: new Redactor(),
      holder: { run: name, attempt: 1, host: name },
      random,
      lifeMs: LIFE_MS,
      keep: KEEP,
    };
    this.ledger = openLedger(options, model.flaw);
    const impatient = model.flaw === "a waiter declares death ten times too early";
    this.#waiting = impatient ? new Ledger({ ...options, lifeMs: LIFE_MS / 10 }) : this.ledger;
  }

  /** Works once or twice, unless it is killed. */
  live(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#died = resolve;
      this.#rounds().then(resolve, reject);
    });
  }

  async #rounds(): Promise<void> {
    const { random, time } = this.#model;
    for (let round = 0; round < 1 + Math.floor(random() * 3); round++) {
      await time.sleep(random() * LIFE_MS * (random() < 0.5 ? 0.05 : 3));
      await this.work();
    }
  }

  async work(): Promise<void> {
    try {
      while (!(await this.#attempt())) {}
    } catch (error) {
      if (!isBelayError(error, "FENCED", "ENGINE_UNREACHABLE", "LEDGER_ERROR")) throw error;
      if (this.#model.calm) throw error;
    }
  }

  async #attempt(): Promise<boolean> {
    const signal = new AbortController().signal;
    const { random } = this.#model;
    const onWaiting = (open: OpenDeployment): Promise<void> => this.#ask(open);
    // A CI that lost its runner calls it over, whether it lives or not.
    const isOver = async (): Promise<boolean> => !this.#model.calm && random() < this.#rumours;
    const options = { onAlive: "wait", patienceMs: LIFE_MS * 100, signal, random, onWaiting, isOver } as const;
    const turn = await awaitTurn(this.#waiting, options).catch(hasty);
    if (turn.kind === "alive") throw new Error(`${this.#name} waited for ever`);
    if (turn.kind === "dead") {
      const trusting = this.#model.flaw === "who only its CI calls over is not waited for";
      await takeOver(this.ledger, trusting ? { ...turn, mayLive: false } : turn, {
        refusesStale: this.#model.fencing,
        putRight: (dead, tenure) => this.#putRight(dead, tenure),
      });
      return false;
    }
    return this.#deploy(turn.highest);
  }

  get #release(): ReleaseFacts {
    const source = { repository: "https://example.test/shop", revision: String(this.#age) };
    return { digest: sha256(source.revision), source, images: {} };
  }

  async #ask({ deployment, begin }: OpenDeployment): Promise<void> {
    const { flaw } = this.#model;
    const { source } = this.#release;
    if (!this.#supersedes || begin === undefined) return;
    const isOlder = async ({ revision }: typeof source): Promise<boolean> => this.#age < Number(revision);
    const why = await whyNotAsk({ intent: "deploy", source }, begin, isOlder);
    if (why !== undefined && flaw !== "an older release asks a newer one to stop") return;
    await this.ledger.askToStop(begin, { intent: "deploy", release: this.#release });
    if (flaw === "whoever asked another to stop does not wait for its end") throw new Hasty(deployment);
  }

  async #deploy(highest: number): Promise<boolean> {
    const before = this.#model.services.map((service) => service.value);
    const deployment = before[0] ?? 0;
    const facts: RunsFacts = { deployment, proven: true };
    const draft = { intent: "deploy", before: facts, release: this.#release } as const;
    const tenure = await this.ledger.claim(highest, draft, Buffer.from(JSON.stringify(before)));
    if (tenure === undefined) return false;
    this.#grant(tenure);
    try {
      const stopped = !(await this.#change(tenure, tenure.deployment, "forward"));
      const good = !stopped && this.#model.random() < 0.7;
      const lazy = stopped && this.#model.flaw === "who was asked to stop puts nothing back";
      if (!good && !lazy) await this.#change(tenure, deployment, "back");
      this.#model.checkWhole(tenure.deployment);
      const runs = { deployment: good ? tenure.deployment : deployment, proven: true };
      await tenure.end({ outcome: stopped ? "superseded" : good ? "succeeded" : "rolled_back", runs });
    } finally {
      tenure.leave();
    }
    await this.ledger.compact();
    return true;
  }

  async #putRight(dead: BeginRecord, tenure: Tenure) {
    this.#grant(tenure);
    const before: unknown = JSON.parse(Buffer.from(await this.ledger.readSnapshot(dead)).toString("utf8"));
    const value = Array.isArray(before) ? Number(before[0]) : 0;
    if (this.#model.fencing) {
      for (let index = 0; index < SERVICES; index++) await this.#bump(tenure, index);
    }
    if (this.#model.flaw !== "a recoverer does not restore") await this.#change(tenure, value, "back");
    this.#model.checkWhole(tenure.deployment);
    return { outcome: "rolled_back", runs: { deployment: value, proven: true } } as const;
  }

  async #bump(tenure: Tenure, index: number): Promise<void> {
    for (;;) {
      await tenure.guard();
      const { version, value } = this.#model.services[index] ?? { version: 0, value: 0 };
      await this.#step();
      if (await this.#model.mutate(index, value, tenure.deployment, version)) return;
    }
  }

  /** @returns false when it was asked to stop on the way. */
  async #change(tenure: Tenure, value: number, direction: "forward" | "back"): Promise<boolean> {
    const deaf = direction === "back" || this.#model.flaw === "a holder goes on although it was asked to stop";
    const versions = this.#model.services.map((service) => service.version);
    const unguarded = this.#model.flaw === "changes are made without asking whether it may";
    const careless = unguarded || this.#model.flaw === "nobody asks again after a wait within a step";
    for (let index = 0; index < SERVICES; index++) {
      if (!unguarded) await tenure.guard();
      if (!deaf && tenure.stop.aborted) return false;
      if (direction === "forward") this.#model.checkHeard(tenure.begin);
      // A step waits within (a drain, an answer), and may be stopped there.
      await this.#step();
      if (!careless) tenure.mayChange();
      if (this.#model.fencing) await this.#step();
      const version = this.#model.fencing ? versions[index] : undefined;
      const done = await this.#model.mutate(index, value, tenure.deployment, version);
      await this.#step();
      // A refused change was overtaken: a look at the ledger says by whom.
      if (!done) throw new BelayError("LEDGER_ERROR", { doing: "changing", got: "update out of sequence" });
      await this.ledger.clock.sleep(this.#model.random() * LIFE_MS * 0.3);
    }
    return true;
  }

  #grant({ deployment, begin }: Tenure): void {
    if (this.#model.granted.has(deployment)) this.#model.wrong.push(`deployment ${deployment} was granted twice`);
    this.#model.granted.set(deployment, begin.nonce);
  }

  /** A point at which the process may stop for a while, or for ever. */
  async #step(): Promise<void> {
    const { time, random } = this.#model;
    this.#steps += 1;
    if (this.#steps === this.#killAt) {
      this.#dead = true;
      this.#died();
    }
    if (this.#steps === this.#pauseAt) this.#pausedUntil = time.now + LIFE_MS * lives(random);
    while (!this.#dead && time.now < this.#pausedUntil) await time.sleep(this.#pausedUntil - time.now);
    if (this.#dead) await new Promise(() => undefined);
  }

  #clock(offsetMs: number): Clock {
    const clock = this.#model.time.clock(offsetMs);
    return {
      ...clock,
      sleep: async (milliseconds, signal) => {
        await clock.sleep(milliseconds, signal);
        await this.#step();
      },
    };
  }

  #store(): RecordStore {
    const { time, records } = this.#model;
    const inner = new MemoryStore(records, {
      onCall: async () => {
        await this.#step();
        const fault = this.#fault();
        await time.sleep(this.#delay());
        return fault;
      },
      onAnswer: async () => {
        await time.sleep(this.#delay());
        await this.#step();
      },
    });
    return {
      create: (name, bytes) => this.#create(inner, name, bytes),
      list: () => inner.list(),
      read: (name) => inner.read(name),
      remove: (name) => inner.remove(name),
    };
  }

  /** Now and then a request arrives long after its sender gave it up. */
  async #create(inner: MemoryStore, name: string, bytes: Uint8Array): Promise<CreateResult> {
    const { time, random, records } = this.#model;
    if (this.#model.flaw === "the last to create a record wins") await inner.remove(name);
    if (this.#model.calm || random() >= this.#unlucky / 3) return inner.create(name, bytes);
    await this.#step();
    const late = time.sleep((random() * LIFE_MS) / 3);
    void late.then(() => new MemoryStore(records).create(name, bytes));
    throw unreachable();
  }

  #fault() {
    const { random, calm } = this.#model;
    if (calm || random() >= this.#unlucky) return undefined;
    return { when: random() < 0.5 ? "before" : "after", error: unreachable() } as const;
  }

  /** Mostly quick, sometimes slow, always bounded as every request is. */
  #delay(): number {
    const { random, calm } = this.#model;
    return random() * (calm || random() < 0.9 ? LIFE_MS / 200 : LIFE_MS / 6);
  }
}

/** It takes the environment for free that it only asked for. */
class Hasty extends Error {
  readonly deployment: number;

  constructor(deployment: number) {
    super("hasty");
    this.deployment = deployment;
  }
}

function hasty(error: unknown): Turn {
  if (error instanceof Hasty) return { kind: "free", highest: error.deployment };
  throw error;
}

/** Lives that a pause takes: about one, or so many that others have come and gone. */
function lives(random: () => number): number {
  return random() < 0.6 ? 0.5 + random() * 3 : 10 + random() * 20;
}

function unreachable(): BelayError {
  return new BelayError("ENGINE_UNREACHABLE", { doing: "talking to the store", got: "the answer was lost" });
}
