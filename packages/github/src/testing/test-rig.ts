import { createLog, type DeploymentReport, type Log, plainStyle, Redactor, systemClock } from "@belay/core";
import { type GitHubRig, SAMPLE_COMMIT, startGitHub } from "@belay/testkit";
import { createGitHub } from "../create-github.ts";
import type { DeploymentStart, GitHub, GitHubOptions } from "../github.ts";

/** For the unit tests of this package only: a simulated GitHub with one pull request, and reporters that talk to it. */
export interface TestRig {
  readonly rig: GitHubRig;
  readonly redactor: Redactor;
  readonly lines: string[];
  readonly log: Log;
  /** A reporter with its own budget; pauses are a thousandth of the real ones. */
  github(options?: Partial<GitHubOptions>): GitHub;
}

export const WRITER = "ghs_writer";
export const OTHER_COMMIT = "41d05c0f9e8d7c6b5a49382716050f1e2d3c4b5a";

export async function startTestRig(): Promise<TestRig> {
  const rig = await startGitHub({
    tokens: [
      {
        token: WRITER,
        permissions: { "pull-requests": "write", deployments: "write", contents: "read", actions: "read" },
      },
      { token: "ghs_reader", permissions: { "pull-requests": "read", deployments: "read", contents: "read" } },
      { token: "ghs_fork", permissions: { "pull-requests": "write", deployments: "write" }, fork: true },
      { token: "person", kind: "user", login: "Grace", permissions: { "pull-requests": "write" } },
      { token: "app", login: "acme-deploy[bot]", permissions: { "pull-requests": "write" } },
    ],
  });
  rig.addCommit({ sha: OTHER_COMMIT });
  rig.setRef("refs/heads/main", OTHER_COMMIT);
  rig.addPull({ number: 7, headSha: SAMPLE_COMMIT, headRef: "faster-checkout", title: "Faster checkout" });
  const redactor = new Redactor();
  const lines: string[] = [];
  const log = createLog(plainStyle(), redactor, (text) => lines.push(text));
  const base: GitHubOptions = {
    token: WRITER,
    apiUrl: rig.apiUrl,
    repository: rig.repository,
    redactor,
    log,
    clock: systemClock,
    limits: { secondMs: 1, requestMs: 2_000, callMs: 5_000 },
  };
  return {
    rig,
    redactor,
    lines,
    log,
    github: (options = {}) => createGitHub({ ...base, ...options, limits: { ...base.limits, ...options.limits } }),
  };
}

/** What a deployment to `environment` begins with; run ids tell runs apart. */
export function startOf(environment: string, run: string, changes: Partial<DeploymentStart> = {}): DeploymentStart {
  const url = `https://github.com/acme/shop/actions/runs/${run}`;
  return {
    application: "shop",
    environment,
    commit: SAMPLE_COMMIT,
    run: { id: run, attempt: 1, url },
    deployment: 12,
    ...changes,
  };
}

/** `report` with another outcome and nothing that contradicts it. */
export function withOutcome(report: DeploymentReport, outcome: DeploymentReport["outcome"]): DeploymentReport {
  return { ...report, outcome };
}
