import type { Release, RolloutPolicy, Target } from "@belay/core";
import type { Step } from "@belay/rollout";
import type { RegistryRig, TcpProxy, TestLog } from "@belay/testkit";
import type { FaultName } from "../contract/cases.ts";

/** Good ones are numbered in the order in which they are released; `crash` ends soon after its start. */
export type FaultVariant = `good${number}` | "crash";

/** One instance as the engine's plain command line shows it, to a process that knows nothing of Belay. */
export interface SeenInstance {
  /** `sha256:…`, whichever the engine shows of its image. */
  readonly digests: readonly string[];
  readonly healthy: boolean;
}

/** A step of a run, with its stage where it has some of that name. Those of the way back need a bad release. */
export type Moment = readonly [step: Step, stage?: string];

/** Something that may break at any moment of a run. */
export interface Breakage {
  /** Before the run. */
  prepare?(): Promise<unknown>;
  /** Breaks it; it is mended when this resolves, unless there is {@link mend}. */
  strike(app: FaultApp): Promise<unknown>;
  /** Mends it after the run. */
  mend?(): Promise<unknown>;
  /** The run waits until the strike is done. */
  readonly first?: true;
  /** The time that a run has: its own waits, and what the breakage takes. */
  readonly policy?: Partial<RolloutPolicy>;
}

/** A real engine whose surroundings can be broken. Written once per engine, for `faultSuite`. */
export interface FaultStand {
  /** As the table calls the engine. */
  readonly title: string;
  /** Where images come from. It may be ended and started. */
  readonly registry: RegistryRig;
  /** Between the runner and the engine. */
  readonly network: TcpProxy;
  /** The stage that brings the new release up. */
  readonly stage: string;
  /** When a run is disturbed by the {@link breakages}: each comes at one of them, with `BELAY_SOAK=1` at all. */
  readonly moments: readonly Moment[];
  /** Which of the moments the first breakage comes at; the others follow. Default 0. */
  readonly first?: number;
  /** Moments of a run with `BELAY_SOAK=1` only. */
  readonly soaked?: readonly Moment[];
  /** More steps at whose moments what matters most comes too. */
  readonly also?: Readonly<Partial<Record<FaultName, readonly Step[]>>>;
  /** What this engine refuses while it ends or comes up takes no good release off. */
  readonly keepsGood?: true;
  readonly breakages: Readonly<Partial<Record<FaultName, Breakage>>>;
  /** What can't break on this engine, each with its reason. Everything else is tried. */
  readonly impossible: Readonly<Partial<Record<FaultName, string>>>;
  /** An application of its own, with two instances. `name`: letters and digits. */
  app(name: string): Promise<FaultApp>;
  /** Kills the engine as a crash does; what runs on it may end with it. */
  killEngine(): Promise<void>;
  startEngine(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultApp {
  readonly log: TestLog;
  /** As a run opens it, over {@link FaultStand.network}. */
  target(): Promise<{ readonly target: Target; close(): Promise<void> }>;
  /** A release of the service `web`. */
  release(variant: FaultVariant): Promise<Release>;
  /** Resolves when the engine has begun to pull the image with this digest. */
  pulling(digest: string): Promise<void>;
  /** Removes every record of the ledger, as housekeeping by somebody who does not know it would. */
  loseLedger(): Promise<number>;
  /** Stops the processes of all instances with this digest without ending them. Where `frozen release` is possible. */
  freeze?(digest: string): Promise<void>;
  /** All instances of the service that are not plain history. `atOnce`: without waiting for those that are on their way out. */
  look(how?: { readonly atOnce?: true }): Promise<readonly SeenInstance[]>;
  /** The first word of what a client of the application gets: the variant's name. */
  answer(): Promise<string>;
  /** What the engine's plain command line says of the application and its past, for who reads of a failed case. */
  tell(): Promise<string>;
  remove(): Promise<void>;
}
