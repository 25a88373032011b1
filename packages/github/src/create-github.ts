import { OUTCOMES } from "@belay/core";
import { attestationsOf } from "./attestations.ts";
import { type Api, Client } from "./client.ts";
import { uploadSarif, uploadSnapshot } from "./code-scanning.ts";
import { markEnded, markInProgress, obtainDeployment, settleOlder } from "./deployments.ts";
import { environmentRows } from "./environment-rows.ts";
import type { PullRequest, RunEvent } from "./event.ts";
import type {
  CommentRequest,
  CommentResult,
  DeploymentStart,
  GitHub,
  GitHubDeployment,
  GitHubOptions,
} from "./github.ts";
import { trustedAuthors } from "./identity.ts";
import { isOnDefaultBranch } from "./on-default-branch.ts";
import { deletePackageVersion, ownedBy, packageVersionsOf } from "./package-versions.ts";
import { pullRequestOf } from "./pull-request.ts";
import { type AnyReport, isDeploymentReport } from "./render/report-kind.ts";
import { done, type Reported } from "./reported.ts";
import { downloadRunArtifact } from "./run-artifact.ts";
import { upsertStickyComment } from "./sticky-comment.ts";

/** The reporter for one repository and token. Nothing is loaded or asked before the first call. */
export function createGitHub(options: GitHubOptions): GitHub {
  const client = new Client(options);
  let trusted: Promise<Set<string>> | undefined;
  const authors = (api: Api): Promise<Set<string>> => {
    trusted ??= trustedAuthors(api, options.token, options.commentAuthor).catch((error: unknown) => {
      trusted = undefined; // the next call asks again
      throw error;
    });
    return trusted;
  };
  return {
    findPullRequest: async (commit) => {
      const named = pullRequestOfEvent(options.event, commit);
      if (named !== undefined) return done(named);
      const call = {
        doing: `looking for the pull request of commit ${commit.slice(0, 12)}`,
        permission: "pull-requests: read",
      };
      return await client.run(call, (api) => pullRequestOf(api, commit));
    },
    upsertComment: (request) => upsertComment(client, request, authors),
    beginDeployment: (start) =>
      client.run(deploymentCall(start, "beginning"), async (api) => {
        const begun = await obtainDeployment(api, start);
        await markInProgress(api, start, begun.id);
        return begun;
      }),
    endDeployment: (start, report, begun) => endDeployment(client, start, report, begun),
    environments: (application) => {
      const call = { doing: `reading the GitHub deployments of ${application}`, permission: "deployments: read" };
      return client.run(call, (api) => environmentRows(api, application));
    },
    isRunOver: (runId) => {
      const call = { doing: `asking whether run ${runId} has ended`, permission: "actions: read" };
      return client.run(call, async (api) => {
        const { data } = await api.octokit.rest.actions.getWorkflowRun({ ...api.repo, run_id: runId });
        return data.status === "completed";
      });
    },
    isOnDefaultBranch: (commit) => {
      const call = {
        doing: `asking whether the default branch contains commit ${commit.slice(0, 12)}`,
        permission: "contents: read",
      };
      return client.run(call, (api) => isOnDefaultBranch(api, commit));
    },
    attestations: (digest) => {
      const title = "Attestations not read";
      const call = { doing: `reading the attestations of ${digest}`, permission: "attestations: read", title };
      return client.run(call, (api) => attestationsOf(api, digest, options.fetch ?? fetch));
    },
    ownedBy: (owner) => {
      const call = { doing: `asking who ${owner} is`, permission: "metadata: read" };
      return client.run(call, (api) => ownedBy(api, owner));
    },
    packageVersions: (image) => {
      const call = { doing: `listing the versions of the package ${image.name}`, permission: "packages: read" };
      return client.run(call, (api) => packageVersionsOf(api, image));
    },
    deletePackageVersion: (image, { id, digest }) => {
      const title = "Not deleted at GitHub";
      const call = { doing: `deleting ${digest} from the package ${image.name}`, permission: "packages: write", title };
      return client.run(call, (api) => deletePackageVersion(api, image, id));
    },
    uploadSarif: (upload) => {
      const call = { doing: `uploading ${upload.category} to code scanning`, permission: "security-events: write" };
      return client.run(call, (api) => uploadSarif(api, upload));
    },
    uploadSnapshot: (upload) => {
      const call = { doing: `uploading the dependencies of ${upload.category}`, permission: "contents: write" };
      return client.run(call, (api) => uploadSnapshot(api, upload));
    },
    runArtifact: (runId, name, most) => {
      const call = { doing: `fetching the artifact ${name} of run ${runId}`, permission: "actions: read" };
      return client.run(call, (api) => downloadRunArtifact(api, runId, name, most));
    },
  };
}

/** Also for the merge commit that a `pull_request` run builds; in `pull_request_target` the run's own commit is the base's. */
function pullRequestOfEvent(event: RunEvent | undefined, commit: string): PullRequest | undefined {
  const isMerge = event?.name === "pull_request" && event.workflowSha === commit;
  return isMerge || event?.pullRequest?.headSha === commit ? event.pullRequest : undefined;
}

function upsertComment(
  client: Client,
  request: CommentRequest,
  authors: (api: Api) => Promise<Set<string>>,
): Promise<Reported<CommentResult>> {
  const call = { doing: `commenting on pull request ${request.pullRequest}`, permission: "pull-requests: write" };
  return client.run(call, async (api) => await upsertStickyComment(api, request, await authors(api)));
}

function deploymentCall(start: DeploymentStart, verb: string): { doing: string; permission: string } {
  return { doing: `${verb} the GitHub deployment of ${start.environment}`, permission: "deployments: write" };
}

/** The older deployments are put right in a call of their own: what goes wrong there leaves the final status reported. */
async function endDeployment(
  client: Client,
  start: DeploymentStart,
  report: AnyReport,
  begun: GitHubDeployment | undefined,
): Promise<Reported<GitHubDeployment>> {
  const ended = await client.run(deploymentCall(start, "ending"), async (api) => {
    const deployment = begun ?? (await obtainDeployment(api, start));
    await markEnded(api, start, deployment.id, report);
    return deployment;
  });
  if (ended.done) {
    const succeeded = isDeploymentReport(report) && OUTCOMES[report.outcome].deploymentState === "success";
    const call = deploymentCall(start, "settling older GitHub deployments beside");
    await client.run(call, (api) => settleOlder(api, start, ended.value.id, succeeded));
  }
  return ended;
}
