import type { EngineStand } from "../../test/contract/stand.ts";

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
  /** Whether the engine makes the instances itself, so that their number must not cost requests. */
  readonly flatInReplicas: boolean;
  open(): Promise<EngineStand>;
  /** Limit for a good release, when the engine itself needs so many seconds for it. None: the two can't be compared. */
  goodLimit?(engineSeconds: number): number;
  /** What is compared with: `docker service update`. */
  readonly tool: string;
}
