import type { JsonObject } from "./json.ts";

export type Level = "none" | "read" | "write";
export type PermissionName =
  | "actions"
  | "attestations"
  | "checks"
  | "contents"
  | "deployments"
  | "issues"
  | "metadata"
  | "packages"
  | "pull-requests"
  | "security-events";

/** A token with exactly the permissions it was given; whatever is left out is `none` (but `metadata`, which all can read). */
export interface TokenSeed {
  readonly token: string;
  /** `installation`: a `GITHUB_TOKEN` or an App's, which can't ask who it is. `user`: a personal token. Default `installation`. */
  readonly kind?: "installation" | "user";
  /** Default `github-actions[bot]` for an installation. */
  readonly login?: string;
  readonly permissions: Readonly<Partial<Record<PermissionName, Level>>>;
  /** A run for a fork's pull request: every `write` becomes `read`. */
  readonly fork?: boolean;
}

export interface CommitSeed {
  readonly sha: string;
  readonly message?: string;
  readonly author?: { readonly name: string; readonly email: string; readonly login?: string };
  readonly date?: string;
  readonly parents?: readonly string[];
  /** Contexts of its commit statuses. */
  readonly statuses?: Readonly<Record<string, "success" | "failure" | "pending">>;
  /** The default branch has commits that it lacks, so that `auto_merge` would merge (or, with `conflict`, could not). */
  readonly behind?: true | "conflict";
}

export interface PullSeed {
  readonly number: number;
  readonly headSha: string;
  readonly title?: string;
  readonly author?: string;
  readonly headRef?: string;
  readonly baseRef?: string;
  /** Full name of the fork, when the branch is in one. */
  readonly headRepository?: string;
  readonly state?: "open" | "closed";
  /** Commits that belong to it beside its head (a merge commit, for one). */
  readonly commits?: readonly string[];
}

/** What a run kept with `actions/upload-artifact`. */
export interface ArtifactSeed {
  readonly run: number;
  readonly name: string;
  /** The zip archive. */
  readonly archive: Uint8Array;
  readonly expired?: boolean;
}

/** What `actions/attest-build-provenance` keeps at GitHub. */
export interface AttestationSeed {
  /** `sha256:…` of its subject. */
  readonly digest: string;
  /** A Sigstore bundle. */
  readonly bundle: JsonObject;
  /** In the answer itself, or behind an address of a storage, as GitHub has it since July 2026. Default `stored`. */
  readonly place?: "inline" | "stored";
}

/** A manifest in GitHub's container registry. */
export interface PackageVersionSeed {
  /** Without its owner, who is the repository's: `shop/web`. */
  readonly package: string;
  readonly digest: string;
  readonly tags?: readonly string[];
  /** Public, with more than 5,000 downloads: GitHub does not delete it. */
  readonly popular?: boolean;
}

export interface RunSeed {
  readonly id: number;
  /** Full name of the fork that the commit is in. Default: this repository. */
  readonly headRepository?: string;
  readonly name?: string;
  readonly attempt?: number;
  readonly event?: string;
  readonly headSha: string;
  readonly headBranch?: string;
  readonly status?: "queued" | "in_progress" | "completed";
  readonly conclusion?: "success" | "failure" | "cancelled";
  readonly jobs?: readonly JobSeed[];
}

export interface JobSeed {
  readonly id: number;
  readonly name: string;
  readonly status?: "queued" | "in_progress" | "completed";
  readonly conclusion?: "success" | "failure" | "cancelled";
}

export interface SimComment {
  readonly id: number;
  readonly pullRequest: number;
  readonly author: string;
  body: string;
  readonly createdAt: string;
  updatedAt: string;
}

export interface SimStatus {
  readonly id: number;
  readonly state: "error" | "failure" | "inactive" | "in_progress" | "queued" | "pending" | "success";
  readonly description: string;
  readonly logUrl: string;
  readonly environmentUrl: string;
  readonly environment: string;
  readonly creator: string;
  readonly createdAt: string;
}

export interface SimDeployment {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly environment: string;
  readonly description: string;
  readonly payload: JsonObject | string;
  readonly transient: boolean;
  readonly production: boolean;
  readonly creator: string;
  readonly createdAt: string;
  /** The oldest first. */
  readonly statuses: SimStatus[];
}

export interface SimCheckRun {
  readonly id: number;
  readonly facts: JsonObject;
}

/** What code scanning took, unpacked. */
export interface SimAnalysis {
  readonly id: string;
  readonly commit: string;
  readonly ref: string;
  readonly sarif: JsonObject;
}

export interface ReleaseSeed {
  readonly tag: string;
  readonly name?: string;
  readonly body?: string;
  readonly draft?: boolean;
}

/** All that one simulated repository knows. */
export class GitHubState {
  readonly repository: string;
  readonly serverUrl: string;
  readonly commits = new Map<string, CommitSeed>();
  readonly pulls = new Map<number, PullSeed>();
  readonly comments = new Map<number, SimComment>();
  readonly deployments = new Map<number, SimDeployment>();
  readonly checkRuns = new Map<number, SimCheckRun>();
  readonly runs = new Map<number, RunSeed>();
  readonly artifacts = new Map<number, ArtifactSeed>();
  /** Where what is kept is fetched from, without a token. Set once the server listens. */
  storageUrl = "";
  readonly attestations = new Map<number, AttestationSeed>();
  readonly packageVersions = new Map<number, PackageVersionSeed>();
  /** Whether the repository has the role Admin in its packages' settings. */
  deletesPackages = true;
  /** What the owner of the repository is. */
  ownedBy: "Organization" | "User" = "Organization";
  readonly releases: ReleaseSeed[] = [];
  readonly analyses: SimAnalysis[] = [];
  readonly snapshots: JsonObject[] = [];
  /** Private repositories have code scanning only with Advanced Security. */
  codeScanning = true;
  /** Full ref to SHA. */
  readonly refs = new Map<string, string>();
  #lastId = 1_000;
  #seconds = 0;

  constructor(repository: string, serverUrl: string) {
    this.repository = repository;
    this.serverUrl = serverUrl;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** A clock of its own, one second further at each look: order is certain and tests see the same times always. */
  timestamp(): string {
    this.#seconds += 1;
    return new Date(Date.UTC(2026, 0, 1) + this.#seconds * 1_000).toISOString().replace(".000Z", "Z");
  }

  /** SHA of a branch, a tag or a commit. */
  resolve(ref: string): string | undefined {
    if (this.commits.has(ref)) return ref;
    return this.refs.get(`refs/heads/${ref}`) ?? this.refs.get(`refs/tags/${ref}`) ?? this.refs.get(ref);
  }
}
