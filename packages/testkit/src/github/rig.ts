import type { FaultRule } from "./faults.ts";
import type { JsonObject } from "./json.ts";
import { addStatus } from "./routes-deployments.ts";
import type { SeenRequest, Simulator } from "./start-github.ts";
import type {
  ArtifactSeed,
  AttestationSeed,
  CommitSeed,
  PackageVersionSeed,
  PullSeed,
  ReleaseSeed,
  RunSeed,
  SimAnalysis,
  SimCheckRun,
  SimComment,
  SimDeployment,
  SimStatus,
  TokenSeed,
} from "./state.ts";

/** What tests hold: the address, seeds, faults, and the state as it is. */
export interface GitHubRig {
  /** For `GITHUB_API_URL`. */
  readonly apiUrl: string;
  readonly repository: string;
  /** Every request, in order. */
  readonly requests: readonly SeenRequest[];
  /** Where the simulator itself did not keep to the description: always empty, or the simulator is wrong. */
  readonly violations: readonly string[];
  addToken(seed: TokenSeed): void;
  addCommit(seed: CommitSeed): void;
  addPull(seed: PullSeed): void;
  addRun(seed: RunSeed): void;
  addArtifact(seed: ArtifactSeed): void;
  addAttestation(seed: AttestationSeed): void;
  addPackageVersion(seed: PackageVersionSeed): void;
  /** What is left, in no order. */
  packageVersions(): readonly PackageVersionSeed[];
  setOwner(kind: "Organization" | "User"): void;
  /** Without the role Admin every deletion of a package's version is answered with 404. */
  setPackageAdmin(on: boolean): void;
  addRelease(seed: ReleaseSeed): void;
  /** `refs/heads/main` → SHA. */
  setRef(ref: string, sha: string): void;
  addComment(pullRequest: number, author: string, body: string): SimComment;
  /** What GitHub itself makes for a job with `environment:` before its first step: no payload, and statuses that link to the job. */
  addJobDeployment(seed: JobDeploymentSeed): SimDeployment;
  /** GitHub's own last status on a job's deployment, when the job ends. */
  endJobDeployment(id: number, state: "success" | "failure"): void;
  fail(rule: FaultRule): void;
  heal(): void;
  /** The oldest first. */
  comments(pullRequest: number): readonly SimComment[];
  deployments(environment?: string): readonly SimDeployment[];
  checkRuns(): readonly SimCheckRun[];
  /** What code scanning took, the oldest first. */
  analyses(): readonly SimAnalysis[];
  /** What the dependency graph took, the oldest first. */
  snapshots(): readonly JsonObject[];
  /** A private repository without Advanced Security refuses every upload. */
  setCodeScanning(on: boolean): void;
  close(): Promise<void>;
}

export interface JobDeploymentSeed {
  readonly environment: string;
  readonly sha: string;
  readonly run: number;
  readonly job: number;
}

export function createRig(simulator: Simulator, apiUrl: string, close: () => Promise<void>): GitHubRig {
  const { state } = simulator;
  return {
    apiUrl,
    repository: state.repository,
    requests: simulator.requests,
    violations: simulator.violations,
    addToken: (seed) => void simulator.tokens.set(seed.token, seed),
    addCommit: (seed) => void state.commits.set(seed.sha, seed),
    addPull: (seed) => addPull(simulator, seed),
    addRun: (seed) => void state.runs.set(seed.id, seed),
    addArtifact: (seed) => void state.artifacts.set(state.nextId(), seed),
    addAttestation: (seed) => void state.attestations.set(state.nextId(), seed),
    addPackageVersion: (seed) => void state.packageVersions.set(state.nextId(), seed),
    packageVersions: () => [...state.packageVersions.values()],
    setOwner: (kind) => {
      state.ownedBy = kind;
    },
    setPackageAdmin: (on) => {
      state.deletesPackages = on;
    },
    addRelease: (seed) => void state.releases.push(seed),
    setRef: (ref, sha) => void state.refs.set(ref, sha),
    addComment: (pullRequest, author, body) => addComment(simulator, pullRequest, author, body),
    addJobDeployment: (seed) => addJobDeployment(simulator, seed),
    endJobDeployment: (id, outcome) => {
      const deployment = state.deployments.get(id);
      const newest = deployment?.statuses[0];
      if (deployment === undefined || newest === undefined) throw new Error(`no job deployment ${id}`);
      addStatus(state, deployment, { ...newest, state: outcome });
    },
    fail: (rule) => simulator.faults.add(rule),
    heal: () => simulator.faults.clear(),
    comments: (pullRequest) => [...state.comments.values()].filter((one) => one.pullRequest === pullRequest),
    deployments: (environment) =>
      [...state.deployments.values()].filter((one) => environment === undefined || one.environment === environment),
    analyses: () => state.analyses,
    snapshots: () => state.snapshots,
    setCodeScanning: (on) => {
      state.codeScanning = on;
    },
    checkRuns: () => [...state.checkRuns.values()],
    close,
  };
}

/** A pull request's head is a commit of the repository too. */
function addPull({ state }: Simulator, seed: PullSeed): void {
  state.pulls.set(seed.number, seed);
  if (!state.commits.has(seed.headSha)) state.commits.set(seed.headSha, { sha: seed.headSha });
}

function addComment({ state }: Simulator, pullRequest: number, author: string, body: string): SimComment {
  const at = state.timestamp();
  const comment = { id: state.nextId(), pullRequest, author, body, createdAt: at, updatedAt: at };
  state.comments.set(comment.id, comment);
  return comment;
}

function addJobDeployment({ state }: Simulator, seed: JobDeploymentSeed): SimDeployment {
  const creator = "github-actions[bot]";
  const deployment: SimDeployment = {
    id: state.nextId(),
    sha: seed.sha,
    ref: "main",
    task: "deploy",
    environment: seed.environment,
    description: "",
    payload: {},
    transient: false,
    production: seed.environment === "production",
    creator,
    createdAt: state.timestamp(),
    statuses: [],
  };
  state.deployments.set(deployment.id, deployment);
  const logUrl = `${state.serverUrl}/${state.repository}/actions/runs/${seed.run}/job/${seed.job}`;
  const status: Omit<SimStatus, "id" | "createdAt"> = {
    state: "queued",
    description: "",
    logUrl,
    environmentUrl: "",
    environment: seed.environment,
    creator,
  };
  addStatus(state, deployment, status);
  addStatus(state, deployment, { ...status, state: "in_progress" });
  return deployment;
}
