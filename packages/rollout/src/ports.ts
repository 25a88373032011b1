import type {
  CauseDetail,
  Clock,
  DeploymentReport,
  Finding,
  Log,
  Outcome,
  Plan,
  Prober,
  Redactor,
  Release,
  RolloutPolicy,
  RunningService,
  Source,
  StageReport,
  Target,
} from "@belay/core";
import type { Verdict } from "./judge/verdict.ts";
import type { BeginRecord, Holder, ReleaseFacts, RollbackFacts, RunsFacts, StopRecord } from "./ledger/records.ts";
import type { Step } from "./steps.ts";

/** Everything a deployment touches besides the process itself. */
export interface RolloutPorts {
  readonly target: Target;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes secrets out of what goes into the ledger. */
  readonly redactor: Pick<Redactor, "redact">;
  /** Who this run is, for the ledger and for people. */
  readonly holder: Holder;
  /** Cancellation of the run. What was begun is put right after it, by `policy.onCancel`. */
  readonly signal: AbortSignal;
  /** 0 to 1: jitter of pauses and nonces of claims. */
  readonly random: () => number;
  /** Asks the probes; told of each observation. Closed by the caller. */
  readonly prober?: Prober;
  /** How long a holder without a beat counts as alive (docs/ledger.md). Default 30,000. */
  readonly lifeMs?: number;
  /**
   * True when its CI says that this run has ended. Its process may live on (a runner of one's own that lost the CI), so this
   * shortens the wait for its death and does not end it.
   */
  readonly isOver?: (holder: Holder) => Promise<boolean>;
  /** True when the process itself is known to have ended (a `post:` step comes after its own): nobody waits for that one. */
  readonly isGone?: (holder: Holder) => Promise<boolean>;
  /** Live progress, for terminals and logs. */
  readonly onEvent?: (event: RolloutEvent) => void;
  /** Told just before each step; what it returns is awaited (the kill tests end the process in it). */
  readonly onStep?: (step: Step, stage?: string) => void | Promise<void>;
}

/** Ports of {@link deploy}: also who can compare two sources. */
export interface DeployPorts extends RolloutPorts {
  /** Whether the release to deploy is older than what runs (`source` as the ledger recorded it). */
  readonly isOlder?: (running: Source) => Promise<boolean | "cannot tell">;
  /** What else speaks against the release, that no engine knows: a signature that is missing. */
  readonly objections?: () => Promise<readonly Finding[]>;
}

/** Ports of {@link rollback}. */
export interface RollbackPorts extends RolloutPorts {
  /**
   * What speaks against the release that is gone back to, that no engine knows. `images`: `repository@sha256:…` by service.
   * Not asked when the release runs already.
   */
  readonly objections?: (images: ReleaseFacts["images"]) => Promise<readonly Finding[]>;
}

export interface DeployRequest {
  readonly release: Release;
  readonly policy: RolloutPolicy;
  /** Where people look at the environment; only passed on into the report. */
  readonly url?: string;
  /** What the pipeline did before; the report puts `deploy` after it. */
  readonly stages?: readonly StageReport[];
}

export interface RollbackRequest {
  /** `previous`, a deployment's number, or a commit (full, or at least 7 digits of it). */
  readonly to: string;
  readonly policy: RolloutPolicy;
  /** Why, in the words of whoever asks. */
  readonly reason?: string;
  /** Who asks. */
  readonly by?: string;
  readonly url?: string;
  readonly stages?: readonly StageReport[];
}

/**
 * What a deployment is about, whichever way it came: a release, or an earlier deployment that somebody wants back. The
 * rest of the way (snapshot, begin, apply, observe, judge, end, or back) is the same.
 */
export interface Aim {
  readonly intent: "deploy" | "rollback";
  readonly release: ReleaseFacts;
  readonly rollback?: RollbackFacts;
  readonly policy: RolloutPolicy;
  readonly url?: string;
  readonly stages?: readonly StageReport[];
  /** Made anew when somebody else began meanwhile. Changes nothing. */
  plan(): Promise<Plan>;
  /** Begins to find out what {@link check} will need, as far as it follows from the ledger, while the plan is made. */
  foresee?(before: RunsFacts | undefined): void;
  /** What the ledger says against it. `before`: what runs by the ledger. */
  check(plan: Plan, before: RunsFacts | undefined): Promise<readonly Finding[]>;
  /** Why a live holder must not be asked to stop, for the log; nothing when it may. */
  whyNotAsk(holder: BeginRecord | undefined): Promise<string | undefined>;
}

export interface DeploymentResult {
  readonly outcome: Outcome;
  readonly cause?: CauseDetail;
  readonly report: DeploymentReport;
  /** The ledger was left without an end, because it could not be written or by policy: the next run recovers. */
  readonly leftOpen: boolean;
  /** Deployments of dead runs that were put right first. */
  readonly recovered: readonly RecoveryResult[];
}

export interface RecoveryResult {
  /** `nothing`: no deployment is open. `alive`: one is, and its holder lives (or may). */
  readonly kind: "nothing" | "alive" | "recovered" | "superseded";
  /** The dead deployments, newest first. */
  readonly deployments: readonly number[];
  /** Number under which the recovery itself is recorded. */
  readonly by?: number;
  readonly holder?: Holder;
  /**
   * `rolled_back` when the old release was proven, `unverified` where it can't be or (with the finding `nothing_proven`) is no
   * better than it was before the dead deployment, else `rollback_failed`.
   */
  readonly outcome?: Outcome;
  readonly cause?: CauseDetail;
  /** Warnings that belong to the outcome. */
  readonly findings?: readonly Finding[];
  readonly running?: readonly RunningService[];
}

/** One line per service of an observation. */
export interface ServiceProgress {
  readonly service: string;
  readonly desired: number;
  /** Current instances of the wanted revision, and how many of them are ready (or complete). */
  readonly wanted: number;
  readonly ready: number;
  /** Current instances of other revisions. */
  readonly others: number;
  readonly instances: readonly {
    readonly title: string;
    readonly wanted: boolean;
    readonly phase: "current" | "draining" | "history";
    readonly ready: boolean;
    /** `running, healthy`, `restarting (exit code 1, 2 restarts)`. */
    readonly state: string;
  }[];
}

export type RolloutEvent =
  | { readonly kind: "step"; readonly step: Step; readonly stage?: string }
  /** What a rollback goes back to. */
  | { readonly kind: "chosen"; readonly deployment: number; readonly release: ReleaseFacts }
  | { readonly kind: "waiting"; readonly deployment: number; readonly holder: Holder | undefined }
  /** That holder was asked to stop. */
  | { readonly kind: "asking"; readonly deployment: number; readonly holder: Holder }
  | { readonly kind: "begun"; readonly deployment: number }
  /** This run was asked to stop, and does. */
  | { readonly kind: "asked"; readonly by: StopRecord }
  | {
      readonly kind: "observed";
      readonly direction: "forward" | "back";
      readonly stage: string;
      readonly elapsedMs: number;
      readonly services: readonly ServiceProgress[];
      readonly verdict: Verdict;
    }
  | { readonly kind: "failed"; readonly cause: CauseDetail }
  | { readonly kind: "unreachable"; readonly message: string }
  | { readonly kind: "ended"; readonly outcome: Outcome; readonly cause?: CauseDetail };
