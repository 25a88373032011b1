import type { Clock, DeploymentReport, DeploymentState, FailureReport, Log, Outcome, Redactor } from "@belay/core";
import type { KeptBundle } from "./attestations.ts";
import type { SarifUpload, SnapshotUpload } from "./code-scanning.ts";
import type { PullRequest, RunEvent } from "./event.ts";
import type { ContainerPackage, Deletion, PackageVersion } from "./package-versions.ts";
import type { Reported } from "./reported.ts";
import type { RunArtifact } from "./run-artifact.ts";

export interface GitHubLimits {
  /** For one answer. Default 10,000. */
  readonly requestMs: number;
  /** For one call of this interface, with its retries and pages. Default 30,000. */
  readonly callMs: number;
  /** For all calls of this object together; when it is used up every further call is deferred at once. Default 90,000. */
  readonly budgetMs: number;
  /** A `Retry-After` or a reset of the rate limit further away than this is not waited for. Default 15,000. */
  readonly retryAfterMs: number;
  /** Retries after the first try. Default 2. */
  readonly retries: number;
  /** Length of one "second" of all pauses. Default 1,000; tests make it short. */
  readonly secondMs: number;
}

export interface GitHubOptions {
  /** Empty: every call is deferred with `no_token`. */
  readonly token: string;
  /** `GITHUB_API_URL`: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  /** Takes secrets out of everything that is sent. */
  readonly redactor: Redactor;
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
  /** Ends every call and its waits at once: they are deferred. Default: what ends the run does not end its reports. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<GitHubLimits>;
  /** The event that started the run: saves a request, and tells a fork's read-only token. */
  readonly event?: RunEvent;
  /** Input `comment-author`: a login whose comments with our marker are taken for our own (an App's `name[bot]`). */
  readonly commentAuthor?: string;
}

export interface CommentRequest {
  /** Number of the pull request. */
  readonly pullRequest: number;
  readonly application: string;
  /** The environment that it plans for: such a comment is one of its own, beside that of what happened. */
  readonly planOf?: string;
  /** Markdown without the marker, as `renderComment` makes it. */
  readonly body: string;
}

export interface CommentResult {
  readonly id: number;
  readonly url: string;
  readonly change: "created" | "updated" | "unchanged";
}

/** What a GitHub deployment is made from. */
export interface DeploymentStart {
  readonly application: string;
  readonly environment: string;
  /** Full SHA of the commit that goes out. */
  readonly commit: string;
  /** The run that deploys. `attempt` starts at 1. */
  readonly run: { readonly id: string; readonly attempt: number; readonly url: string };
  /** Where people can see the application. */
  readonly url?: string;
  /** Default: true for an environment named `production` or `prod`, as GitHub's own default for `production`. */
  readonly production?: boolean;
  /** An environment that goes away (a preview). Default false. */
  readonly transient?: boolean;
  /** Number in the environment's ledger, when it is known already. */
  readonly deployment?: number;
  /** Digest of the release. */
  readonly release?: string;
  /** The deployment that a rollback by hand goes back to. */
  readonly rollbackTo?: number;
  /** `GITHUB_SHA`: the job's own GitHub deployment may name it (the merge commit of a pull request). */
  readonly workflowSha?: string;
}

export interface GitHubDeployment {
  readonly id: number;
  /** True when the job's `environment:` had made it and Belay uses it. */
  readonly adopted: boolean;
}

/** A line of the comment's table, from GitHub deployments and their statuses. All text is from outside. */
export interface EnvironmentRow {
  readonly environment: string;
  readonly state: DeploymentState;
  readonly outcome?: Outcome;
  /** The status's description: headline and cause. */
  readonly description: string;
  /** Full SHA. */
  readonly commit: string;
  /** Number in the environment's ledger. */
  readonly deployment?: number;
  /** ISO 8601. */
  readonly since: string;
  /** The run. */
  readonly runUrl?: string;
  readonly url?: string;
}

/**
 * Reports to GitHub. No call throws, and all calls together end within `limits.budgetMs`: what can't be reported is
 * `deferred` with a reason, logged once as a warning, and never changes what happens to the target.
 */
export interface GitHub {
  /**
   * The pull request that a commit belongs to: from the event when it names it, else from the commit's pull requests
   * (open ones first, then the newest). `undefined` when there is none. Needs `pull-requests: read`.
   */
  findPullRequest(commit: string): Promise<Reported<PullRequest | undefined>>;
  /** Leaves exactly one comment of ours per pull request and application (and per environment of a plan). Needs `pull-requests: write`. */
  upsertComment(request: CommentRequest): Promise<Reported<CommentResult>>;
  /**
   * Makes a GitHub deployment (or adopts the one that the job's `environment:` made) and sets it `in_progress`. When the
   * job ends GitHub adds a last status of its own to an adopted one, which tells how the *job* ended: use
   * `environment: {name, deployment: false}`, or let the step fail when the deployment does.
   * Asked again for the same run, attempt, application and environment it finds the one it made. Needs `deployments: write`.
   */
  beginDeployment(start: DeploymentStart): Promise<Reported<GitHubDeployment>>;
  /**
   * Sets the final status. Without `begun` it finds or makes the GitHub deployment first. After `success` older ones of
   * this application and environment become `inactive`; older ones left `in_progress` by dead runs become so in any case.
   */
  endDeployment(
    start: DeploymentStart,
    report: DeploymentReport | FailureReport,
    begun?: GitHubDeployment,
  ): Promise<Reported<GitHubDeployment>>;
  /** The newest GitHub deployment that Belay reported for this application, per environment. Needs `deployments: read`. */
  environments(application: string): Promise<Reported<readonly EnvironmentRow[]>>;
  /** Whether a run has ended. Needs `actions: read`; deferred without it, and for a run that GitHub does not know. */
  isRunOver(runId: number): Promise<Reported<boolean>>;
  /** Whether the repository's default branch contains the commit. Needs `contents: read`. */
  isOnDefaultBranch(commit: string): Promise<Reported<boolean>>;
  /** The newest artifact of that name which a run kept, or `undefined`. Needs `actions: read`. */
  runArtifact(runId: number, name: string, most: number): Promise<Reported<RunArtifact | undefined>>;
  /** Attestations of an image, by the digest that was pushed; the newest first. Needs `attestations: read`. */
  attestations(digest: string): Promise<Reported<readonly KeptBundle[]>>;
  /** Whether an owner of packages is an organization or a user. */
  ownedBy(owner: string): Promise<Reported<ContainerPackage["ownedBy"]>>;
  /** Every version of a package of the container registry. Needs `packages: read`. */
  packageVersions(image: ContainerPackage): Promise<Reported<readonly PackageVersion[]>>;
  /** Deletes one of them. Needs `packages: write`, and that the repository may administer the package. */
  deletePackageVersion(image: ContainerPackage, version: PackageVersion): Promise<Reported<Deletion>>;
  /** Gives a scan's results to code scanning. Needs `security-events: write`, and Advanced Security where the repository is private. */
  uploadSarif(upload: SarifUpload): Promise<Reported<string>>;
  /** Gives the dependencies of an image to the dependency graph. Needs `contents: write`. */
  uploadSnapshot(upload: SnapshotUpload): Promise<Reported<string>>;
}
