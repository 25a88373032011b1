import type { DeploymentState } from "@belay/core";
import type { Api } from "./client.ts";
import { type DeploymentPayload, readPayload } from "./deployment-facts.ts";

/** A GitHub deployment, as far as Belay looks at it. */
export interface DeploymentEntry {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly createdAt: string;
  /** `undefined` when Belay did not make it. */
  readonly payload: DeploymentPayload | undefined;
}

/** One status of a GitHub deployment. */
export interface StatusEntry {
  readonly state: DeploymentState;
  readonly description: string;
  readonly logUrl: string;
  readonly environmentUrl: string;
  readonly createdAt: string;
}

/** The newest 100 GitHub deployments of one environment, newest first. */
export async function listDeployments(api: Api, environment: string): Promise<DeploymentEntry[]> {
  const { data } = await api.octokit.rest.repos.listDeployments({ ...api.repo, environment, per_page: 100 });
  return data.map(readEntry).sort((a, b) => b.id - a.id);
}

/** Previews may be many: further back than this an environment's last deployment is not looked for. */
const MOST_PAGES = 5;

/** The newest 500 GitHub deployments of all environments, newest first. */
export async function listAllDeployments(api: Api): Promise<DeploymentEntry[]> {
  const { octokit, repo } = api;
  const found: DeploymentEntry[] = [];
  let pages = 0;
  for await (const { data } of octokit.paginate.iterator(octokit.rest.repos.listDeployments, {
    ...repo,
    per_page: 100,
  })) {
    found.push(...data.map(readEntry));
    pages += 1;
    if (pages === MOST_PAGES) break;
  }
  return found.sort((a, b) => b.id - a.id);
}

interface DeploymentData {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly created_at: string;
  readonly payload: unknown;
}

function readEntry(data: DeploymentData): DeploymentEntry {
  const { id, sha, environment, created_at: createdAt } = data;
  return { id, sha, environment, createdAt, payload: readPayload(data.payload) };
}

/** The newest 30 statuses, newest first. */
export async function listStatuses(api: Api, deployment: number): Promise<StatusEntry[]> {
  const request = { ...api.repo, deployment_id: deployment, per_page: 30 };
  const { data } = await api.octokit.rest.repos.listDeploymentStatuses(request);
  return [...data]
    .sort((a, b) => b.id - a.id)
    .map((status) => ({
      state: status.state,
      description: status.description,
      logUrl: status.log_url || status.target_url,
      environmentUrl: status.environment_url ?? "",
      createdAt: status.created_at,
    }));
}

export interface StatusDraft {
  readonly state: DeploymentState;
  readonly description: string;
  readonly logUrl: string;
  readonly environmentUrl?: string;
}

/**
 * Adds a status. Two equal ones do no harm, so a lost answer is simply asked again. `auto_inactive` stays off: it would
 * also end the GitHub deployments of *other* applications in the same environment.
 */
export async function addStatus(api: Api, deployment: number, draft: StatusDraft, retries: number): Promise<void> {
  await api.octokit.rest.repos.createDeploymentStatus({
    ...api.repo,
    deployment_id: deployment,
    state: draft.state,
    description: api.redact(draft.description).slice(0, 140),
    log_url: draft.logUrl,
    ...(draft.environmentUrl === undefined ? {} : { environment_url: draft.environmentUrl }),
    auto_inactive: false,
    request: { retries },
  });
}
