import {
  DEFAULT_ROLLOUT,
  knownDigests,
  messageOf,
  Redactor,
  type Release,
  type RolloutPolicy,
  systemClock,
} from "@belay/core";
import { deploy, history, type RecoveryResult, type RolloutPorts, recover } from "@belay/rollout";
import { waitUntil } from "@belay/testkit";
import { expect } from "vitest";
import type { Disturbed } from "./fault-book.ts";
import type { FaultApp, FaultStand, FaultVariant, Moment, SeenInstance } from "./fault-stand.ts";
import { type Look, untruthOf } from "./untruth-of.ts";

export const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT,
  crashes: 1,
  stableMs: 1_000,
  drainMs: 500,
  startMs: 30_000,
  deadlineMs: 60_000,
};
const LIFE_MS = 6_000;
const INSTANCES = 2;
/** What a run may take beside its two deadlines: the evidence, the last reading, the ledger. */
const REST_MS = 90_000;

export interface Disturbance {
  /** When it happens; `undefined`: before the run. */
  readonly at?: Moment;
  readonly act: (trial: FaultTrial) => unknown;
  /** Before the run. */
  readonly prepare?: (() => Promise<unknown>) | undefined;
  /** The run waits until it is done; else it goes on into it. */
  readonly first?: true | undefined;
  /** After the run. */
  readonly mend?: (() => Promise<unknown>) | undefined;
  readonly policy?: Partial<RolloutPolicy>;
}

export interface Settled {
  /** What was seen to run then: the release of before, or the new one. */
  readonly runs: "old" | "new";
  readonly recovery?: RecoveryResult;
}

/** No image is used twice, so that none is there already: an application that is left behind leaves its images. */
let goods = 0;

/** One application that is disturbed again and again. Between two disturbances a good release runs, proven. */
export class FaultTrial {
  readonly app: FaultApp;
  /** What ran before the disturbance. */
  from: FaultVariant = "good1";
  /** What the disturbed run was to bring. */
  to: FaultVariant = "good1";
  /** It may be disturbed again: nothing went wrong so far. */
  isSound = false;
  readonly #releases = new Map<FaultVariant, Release>();

  private constructor(app: FaultApp) {
    this.app = app;
  }

  static async open(stand: FaultStand, name: string): Promise<FaultTrial> {
    const trial = new FaultTrial(await stand.app(name));
    await trial.#deployNext();
    trial.isSound = true;
    return trial;
  }

  get #nextGood(): FaultVariant {
    return `good${++goods}`;
  }

  async disturb(disturbance: Disturbance): Promise<Disturbed> {
    let acting: unknown;
    let acted = false;
    const strike = (): void => {
      acted = true;
      acting = disturbance.act(this);
    };
    const { at } = disturbance;
    await disturbance.prepare?.();
    if (at === undefined) strike();
    let begun = false;
    let atReading: Look;
    const onStep = async (step: string, stage?: string): Promise<void> => {
      begun ||= step === "begin";
      if (step === "read back") atReading = await this.#lookNow();
      if (acted || step !== at?.[0] || (at[1] ?? stage) !== stage) return;
      strike();
      if (disturbance.first) await acting;
    };
    this.isSound = false;
    // There is a way back only from a bad one.
    this.to = at?.[0].startsWith("restor") ? "crash" : this.#nextGood;
    try {
      const disturbed = await this.#run(this.to, { onStep }, disturbance.policy);
      const after = await this.#lookNow();
      expect(acted, `the run never came to ${at}: ${this.app.log.text()}`).toBe(true);
      await this.#expectTrue(disturbed, begun, [atReading, after]);
      return disturbed;
    } finally {
      await acting;
      await disturbance.mend?.();
    }
  }

  /** What there is at this moment, as far as the engine answers the observer. */
  async #lookNow(): Promise<Look> {
    return this.app.look({ atOnce: true }).catch(() => undefined);
  }

  /** What the run said of its end, against what was seen around its last reading, before anything is mended. */
  async #expectTrue({ result, thrown }: Disturbed, begun: boolean, looks: readonly Look[]): Promise<void> {
    const context = `${JSON.stringify(result)}\nseen: ${JSON.stringify(looks)}\n${this.app.log.text()}`;
    if (result === undefined) return expect(begun, `begun, and then thrown: ${thrown}\n${context}`).toBe(false);
    const old = { digests: await this.digests(this.from), instances: INSTANCES };
    expect(untruthOf(result, old, looks), context).toBeUndefined();
  }

  /** The digests by which the engine may show this variant, its manifest's first. */
  async digests(variant: FaultVariant): Promise<readonly string[]> {
    const image = (await this.#release(variant)).services.web;
    return image === undefined ? [] : knownDigests(image);
  }

  /** Resolves when all instances of this variant that there are to be run, and are healthy. */
  async allRun(variant: FaultVariant): Promise<void> {
    const wanted = await this.digests(variant);
    const isOne = ({ healthy, digests }: SeenInstance): boolean =>
      healthy && digests.some((digest) => wanted.includes(digest));
    const all = async (): Promise<boolean> => ((await this.#lookNow()) ?? []).filter(isOne).length >= INSTANCES;
    await waitUntil(`all instances are of ${variant}`, all, { withinMs: 60_000, everyMs: 200 });
  }

  async #release(variant: FaultVariant): Promise<Release> {
    const release = this.#releases.get(variant) ?? (await this.app.release(variant));
    this.#releases.set(variant, release);
    return release;
  }

  async #run(
    variant: FaultVariant,
    more: Partial<RolloutPorts> = {},
    policy: Partial<RolloutPolicy> = {},
  ): Promise<Disturbed> {
    const release = await this.#release(variant);
    const all = { ...POLICY, ...policy };
    const began = performance.now();
    const disturbed = await this.#withPorts(more, async (ports): Promise<Omit<Disturbed, "milliseconds">> => {
      try {
        return { result: await deploy({ release, policy: all }, ports) };
      } catch (error) {
        return { thrown: messageOf(error) };
      }
    });
    const milliseconds = Math.round(performance.now() - began);
    expect(milliseconds, `it ended in time: ${this.app.log.text()}`).toBeLessThan(2 * all.deadlineMs + REST_MS);
    return { ...disturbed, milliseconds };
  }

  async #withPorts<T>(more: Partial<RolloutPorts>, work: (ports: RolloutPorts) => Promise<T>): Promise<T> {
    const { target, close } = await this.app.target();
    const holder = { run: `${process.pid}-${Math.random()}`, attempt: 1, host: "test" };
    const signal = new AbortController().signal;
    try {
      const common = {
        target,
        clock: systemClock,
        log: this.app.log,
        holder,
        signal,
        redactor: new Redactor(),
        random: Math.random,
      };
      return await work({ ...common, lifeMs: LIFE_MS, ...more });
    } finally {
      await close();
    }
  }

  /**
   * Recovers what was left open, holds what was said against what is seen, and deploys once more, which must succeed. A run
   * that was refused, or that knows nothing, must at least leave one whole release.
   */
  async settle({ result, thrown }: Disturbed): Promise<Settled> {
    const told = result && JSON.stringify([result.cause, result.report.likelyCause]);
    const context = `${result?.outcome} ${told} ${thrown ?? ""}\n${this.app.log.text()}`;
    const open = result === undefined || result.leftOpen;
    const recovery = open ? await this.#withPorts({}, (ports) => recover({ onAlive: "wait" }, ports)) : undefined;
    // What was broken is mended by now.
    if (result?.leftOpen) expect(recovery, context).toMatchObject({ kind: "recovered", outcome: "rolled_back" });
    const seen = await this.#whatRuns(recovery?.outcome ?? result?.outcome, context);
    const runs = seen === this.from ? "old" : "new";
    await this.#deployNext();
    this.isSound = true;
    return { runs, ...(recovery === undefined ? {} : { recovery }) };
  }

  /** One of the releases that the outcome allows, seen from outside. */
  async #whatRuns(said: string | undefined, context: string): Promise<FaultVariant> {
    const either: readonly FaultVariant[] = this.to === "crash" ? [this.from] : [this.from, this.to];
    const expected = said === "succeeded" ? [this.to] : isOld(said) ? [this.from] : either;
    const variant = await this.#showsOneOf(expected, 60_000);
    if (variant !== undefined) {
      await this.#expectAnswer(variant);
      return variant;
    }
    const seen = JSON.stringify(await this.app.look());
    const known = await Promise.all([this.from, this.to].map(async (one) => `${one} ${await this.digests(one)}`));
    throw new Error(
      `it said ${said}, and what runs is ${seen} of ${known.join(", ")}\n${context}\n${await this.app.tell()}`,
    );
  }

  async #deployNext(): Promise<void> {
    const variant = this.#nextGood;
    const next = await this.#run(variant, {}, { startMs: 60_000, deadlineMs: 120_000 });
    const context = `${JSON.stringify(next)}\n${this.app.log.text()}`;
    expect(next.result, context).toMatchObject({ outcome: "succeeded", leftOpen: false });
    const shown = await this.#showsOneOf([variant], 5_000);
    expect(shown, `${JSON.stringify(await this.app.look())} ${context}`).toBe(variant);
    await this.#expectAnswer(variant);
    const entries = await this.#withPorts({}, ({ target }) => history(target.store));
    expect(
      entries.filter(({ end }) => end === undefined),
      context,
    ).toEqual([]);
    this.from = variant;
  }

  async #expectAnswer(variant: FaultVariant): Promise<void> {
    const answers = async (): Promise<boolean> => (await this.app.answer()) === variant;
    try {
      await waitUntil(`${variant} answers`, answers, { withinMs: 60_000, everyMs: 100 });
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${await this.app.tell()}`, { cause: error });
    }
  }

  /** The one of these that alone runs, in its whole number, healthy, as soon as one does. */
  async #showsOneOf(variants: readonly FaultVariant[], withinMs: number): Promise<FaultVariant | undefined> {
    const digests = await Promise.all(variants.map((variant) => this.digests(variant)));
    let shown: FaultVariant | undefined;
    const isWhole = async (): Promise<boolean> => {
      const seen = await this.app.look();
      const isOf = (wanted: readonly string[]) =>
        seen.every((one) => one.healthy && one.digests.some((digest) => wanted.includes(digest)));
      const found = digests.findIndex(isOf);
      shown = seen.length === INSTANCES ? variants[found] : undefined;
      return shown !== undefined;
    };
    await waitUntil("a release is whole", isWhole, { withinMs, everyMs: 200 }).catch(() => undefined);
    return shown;
  }
}

function isOld(said: string | undefined): boolean {
  return said === "rolled_back" || said === "refused" || said === "cancelled";
}
