import type { Release, Target } from "@belay/core";
import type { Step } from "@belay/rollout";
import type { RegistryRig, TcpProxy, TestLog } from "@belay/testkit";

export type GoodVariant = "good1" | "good2";

/** One instance as the engine's plain command line shows it, to a process that knows nothing of Belay. */
export interface SeenInstance {
  readonly variant: GoodVariant | "unknown";
  readonly healthy: boolean;
}

/** A real engine whose surroundings can be broken. Written once per engine, for {@link faultSuite}. */
export interface FaultStand {
  /** Where images come from. It may be ended and started. */
  readonly registry: RegistryRig;
  /** Between the runner and the engine. */
  readonly network: TcpProxy;
  /** Steps, with their stage, at which a run is disturbed. */
  readonly moments: readonly (readonly [step: Step, stage?: string])[];
  /** An application of its own, with two instances. */
  app(name: string): Promise<FaultApp>;
  /** Ends the engine in good order, or as a crash does; what runs on it may end with it. */
  endEngine(how: "stop" | "kill"): Promise<void>;
  startEngine(): Promise<void>;
  /** Leaves the engine without a free byte, until it is freed. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultApp {
  readonly log: TestLog;
  /** As a run opens it, over {@link FaultStand.network}. */
  target(): Promise<{ readonly target: Target; close(): Promise<void> }>;
  release(variant: GoodVariant): Promise<Release>;
  /** Removes every record of the ledger, as housekeeping by somebody who does not know it would. */
  loseLedger(): Promise<number>;
  /** Stops the processes of all instances of this variant without ending them. */
  freeze(variant: GoodVariant): Promise<void>;
  look(): Promise<readonly SeenInstance[]>;
  /** The first word of what a client of the application gets. */
  answer(): Promise<string>;
  remove(): Promise<void>;
}
