/**
 * The end states that Belay reports, and what each one becomes for a caller: an exit code, a GitHub deployment state,
 * a headline. This table is the contract of the command line and of the actions' `outcome` and `exit-code` outputs.
 */

/** State of a GitHub deployment status (REST: "Create a deployment status", `state`). */
export type DeploymentState = "error" | "failure" | "inactive" | "in_progress" | "queued" | "pending" | "success";

interface OutcomeFacts {
  readonly exitCode: number;
  readonly deploymentState: DeploymentState;
  /** How a person is told, in one line; the cause follows where there is one. */
  readonly headline: string;
}

/** End state of the *target*, proven by reading it back after the last change. */
export const OUTCOMES = {
  succeeded: { exitCode: 0, deploymentState: "success", headline: "Deployed and healthy" },
  unchanged: { exitCode: 0, deploymentState: "success", headline: "Already running and healthy" },
  refused: { exitCode: 3, deploymentState: "error", headline: "Refused, nothing was touched" },
  rolled_back: { exitCode: 4, deploymentState: "failure", headline: "Rolled back" },
  rollback_failed: { exitCode: 5, deploymentState: "failure", headline: "Rollback failed, needs a person" },
  superseded: { exitCode: 6, deploymentState: "inactive", headline: "Superseded by another deployment" },
  cancelled: { exitCode: 7, deploymentState: "inactive", headline: "Cancelled before the first change" },
  timed_out: { exitCode: 8, deploymentState: "failure", headline: "Timed out, nothing could be proven" },
  unverified: { exitCode: 9, deploymentState: "error", headline: "Running, but not verified" },
  failed: { exitCode: 13, deploymentState: "failure", headline: "Failed, and not taken back" },
} as const satisfies Record<string, OutcomeFacts>;

export type Outcome = keyof typeof OUTCOMES;

/** Every outcome, in the order of the table. */
export const OUTCOME_NAMES = Object.keys(OUTCOMES) as readonly Outcome[];

/** Exit codes that end a run before or beside a deployment. Together with {@link OUTCOMES} they use each number once. */
export const EXIT_CODES = {
  internal_error: 1,
  invalid_input: 2,
  vulnerabilities_found: 10,
  scan_could_not_run: 11,
  drift_found: 12,
  build_failed: 14,
  tests_failed: 15,
  push_failed: 16,
  verify_failed: 17,
} as const;

export type ExitReason = keyof typeof EXIT_CODES;

/** True when `name` is one of the outcomes. */
export function isOutcome(name: string): name is Outcome {
  return Object.hasOwn(OUTCOMES, name);
}
