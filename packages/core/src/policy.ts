/** How a deployment proceeds and what it tolerates. All times in milliseconds. */
export interface RolloutPolicy {
  /** `rolling` overlaps old and new; `recreate` accepts downtime for services that can't overlap. */
  readonly strategy: "rolling" | "recreate";
  /** How long an instance may take to become ready for the first time. */
  readonly startMs: number;
  /** How long the whole deployment may take before it is given up (the way back has the same time again). */
  readonly deadlineMs: number;
  /** How long everything must stay right before a verdict `converged`. */
  readonly stableMs: number;
  /** How long new instances are in service beside the old ones before those are stopped, so that a proxy learns of them. */
  readonly drainMs: number;
  /** Crashes of one slot that make a crash loop. At least 1. */
  readonly crashes: number;
  readonly onFailure: "rollback" | "keep";
  /** A first deployment has nothing to go back to. */
  readonly onFirstFailure: "keep" | "remove";
  /** What a cancelled run does with a deployment that has begun. */
  readonly onCancel: "restore" | "leave";
  /** What to do when another deployment of this environment is alive. `supersede`: ask an older one to stop, then wait. */
  readonly onLocked: "wait" | "refuse" | "supersede";
  /** Deploy although the release that runs now could not be brought back. */
  readonly allowNoWayBack: boolean;
  /** Deploy a commit although the running release is newer. */
  readonly allowOlder: boolean;
}

export const DEFAULT_ROLLOUT: RolloutPolicy = {
  strategy: "rolling",
  startMs: 60_000,
  deadlineMs: 300_000,
  stableMs: 5_000,
  drainMs: 2_000,
  crashes: 2,
  onFailure: "rollback",
  onFirstFailure: "keep",
  onCancel: "restore",
  onLocked: "wait",
  allowNoWayBack: false,
  allowOlder: false,
};

/** One health question. */
export interface Probe {
  readonly service: string;
  /** Who asks: the machine that runs Belay, the engine's host, or each instance by its own address. */
  readonly from: "runner" | "target" | "instance";
  readonly check:
    | { readonly kind: "http"; readonly url: string; readonly statuses: readonly number[] }
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "command"; readonly command: readonly string[] };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row that make it `failing`. At least 1. */
  readonly retries: number;
}
