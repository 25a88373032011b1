export type { FaultKind, FaultRule } from "./faults.ts";
export { type PageOptions, renderMarkdown, renderPage } from "./page.ts";
export type { GitHubRig, JobDeploymentSeed } from "./rig.ts";
export { SAMPLE_COMMIT, SAMPLE_PLAN, SAMPLE_REPORTS } from "./sample-reports.ts";
export { type GitHubSimulatorOptions, type SeenRequest, startGitHub } from "./start-github.ts";
export type {
  ArtifactSeed,
  AttestationSeed,
  CommitSeed,
  JobSeed,
  PackageVersionSeed,
  PullSeed,
  ReleaseSeed,
  RunSeed,
  SimCheckRun,
  SimComment,
  SimDeployment,
  SimStatus,
  TokenSeed,
} from "./state.ts";
