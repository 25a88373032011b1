import type { CauseDetail } from "./cause.ts";
import type { Digest } from "./digest.ts";
import type { ExitReason, Outcome } from "./outcome.ts";
import type { Source } from "./release.ts";
import type { ScanSummary } from "./scan-summary.ts";
import type { TargetKind } from "./scope.ts";
import type { Finding, InstanceEvidence, RunningService, ServiceChange } from "./target.ts";

/** A stage of the pipeline before or after the deployment, as people are told of it. */
export interface StageReport {
  readonly name: "build" | "test" | "scan" | "push" | "sign" | "deploy" | "verify";
  readonly state: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  /** One line: tags that were made, the test that failed. Outside text. */
  readonly detail?: string;
}

/**
 * All that Belay says about one deployment: made once from what was proven on the target, then shown by the pull
 * request's comment, the job summary, the GitHub deployment, the terminal and `--json`. None of them adds to it.
 */
export interface DeploymentReport {
  readonly application: string;
  readonly environment: string;
  readonly target: TargetKind;
  readonly url?: string;
  readonly outcome: Outcome;
  readonly cause?: CauseDetail;
  /** A sentence for people: what most likely went wrong, from the evidence. Outside text. */
  readonly likelyCause?: string;
  /** Number in the environment's ledger; none when nothing was begun. */
  readonly deployment?: number;
  readonly release: { readonly digest: Digest; readonly source: Source };
  /** Set when this was no release but a way back that somebody asked for. */
  readonly rollback?: {
    /** The deployment gone back to, whose release `release` names. */
    readonly to: number;
    /** Outside text. */
    readonly reason?: string;
    /** Who asked for it. Outside text. */
    readonly by?: string;
  };
  /** What this one gave way to, when another run asked it to stop. */
  readonly supersededBy?: {
    /** Name of the run in the ledger. */
    readonly run: string;
    readonly source: Source;
    /** Set when it goes back to an earlier deployment, whose release `source` tells. `by`: outside text. */
    readonly rollback?: { readonly to: number; readonly by?: string };
  };
  /** What ran before and was (or would be) brought back. */
  readonly previous?: { readonly deployment?: number; readonly release?: Digest; readonly source?: Source };
  readonly changes: readonly ServiceChange[];
  /** Services that run once to their end, where there are no `changes` to tell it: of a report made from the ledger. */
  readonly once?: readonly string[];
  /** What else was changed: {@link Plan.others}. */
  readonly others?: readonly string[];
  readonly findings: readonly Finding[];
  /** Read back from the target after the last change: what truly runs. */
  readonly running: readonly RunningService[];
  readonly evidence: readonly InstanceEvidence[];
  readonly advice: readonly { readonly title: string; readonly command: string }[];
  readonly notCovered: readonly string[];
  readonly stages: readonly StageReport[];
  /** What the scan of this job found. */
  readonly scan?: ScanSummary;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** How long the bad release was off again after it was found bad, and the old one proven. */
  readonly restoreMs?: number;
}

/** A run that ended before any deployment: a failed build, a refused push. */
export interface FailureReport {
  readonly application: string;
  readonly environment?: string;
  readonly reason: ExitReason;
  /** The error's message: what was being done, what came back, what to do next. Outside text inside. */
  readonly message: string;
  readonly source?: Source;
  readonly stages: readonly StageReport[];
  /** What the scan of this job found. */
  readonly scan?: ScanSummary;
  readonly startedAt: string;
  readonly durationMs: number;
}
