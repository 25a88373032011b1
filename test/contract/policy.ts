import { DEFAULT_ROLLOUT, type RolloutPolicy } from "@belay/core";

/** Short windows, so that many cases take little time, and patience with a busy machine. */
export const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT,
  stableMs: 1_000,
  drainMs: 300,
  startMs: 60_000,
  deadlineMs: 150_000,
  crashes: 1,
};
