import type { ApplicationStand, EngineStand } from "../../test/contract/stand.ts";
import type { VariantName } from "../../test/contract/variants.ts";

/** Seconds that must be reached, from the call to the proof. */
export interface Limits {
  readonly missing: number;
  readonly crash: number;
  readonly sick: number;
}

/** One engine in the benchmark: the contract suite's stand, and what its users type today. */
export interface BenchEngine {
  readonly title: string;
  readonly limits: Limits;
  /**
   * What each further replica takes of Belay's own requests, because the engine does not make instances by itself and has no
   * request for several; all other requests must not grow. None: nothing may grow.
   */
  readonly workPerReplica?: { readonly requests: number; readonly what: string };
  open(): Promise<EngineStand>;
  /** Limit for a good release, when the engine itself needs so many seconds for it. None: the two can't be compared. */
  goodLimit?(engineSeconds: number): number;
  /**
   * The engine's own time for a release of the service `web`, in seconds, by its API and without Belay; of one that `fails`, with
   * the way back, begun at its first crash. What it is given for a good release is then `goodLimit`'s. None: there is no such measure.
   */
  floor?(app: ApplicationStand, variant: VariantName, fails: boolean): Promise<number>;
  /** The engine's own time for a release that crashes at its start, where there is no more of a `floor` than this. */
  crashFloor?(app: ApplicationStand): Promise<number>;
  /** What is compared with: `docker service update`. */
  readonly tool: string;
}
