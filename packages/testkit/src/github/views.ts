import type { Call } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import type {
  ArtifactSeed,
  CommitSeed,
  JobSeed,
  PullSeed,
  RunSeed,
  SimComment,
  SimDeployment,
  SimStatus,
} from "./state.ts";

type Place = Pick<Call, "state" | "fill">;

function apiRepo({ state }: Place): string {
  return `https://api.github.com/repos/${state.repository}`;
}

function htmlRepo({ state }: Place): string {
  return `${state.serverUrl}/${state.repository}`;
}

/** The parts of a user; the description's list of addresses is filled in around them. */
export function userParts(login: string): JsonObject {
  return {
    login,
    id: [...login].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1_000_000,
    type: login.endsWith("[bot]") ? "Bot" : "User",
  };
}

export function viewComment(place: Place, comment: SimComment): JsonObject {
  const { id, body, author, pullRequest, createdAt, updatedAt } = comment;
  return place.fill("issue-comment", {
    id,
    body,
    user: userParts(author),
    url: `${apiRepo(place)}/issues/comments/${id}`,
    html_url: `${htmlRepo(place)}/pull/${pullRequest}#issuecomment-${id}`,
    issue_url: `${apiRepo(place)}/issues/${pullRequest}`,
    created_at: createdAt,
    updated_at: updatedAt,
  });
}

export function viewDeployment(place: Place, deployment: SimDeployment): JsonObject {
  const { id, sha, ref, task, payload, environment, description, creator, createdAt } = deployment;
  const url = `${apiRepo(place)}/deployments/${id}`;
  return place.fill("deployment", {
    id,
    sha,
    ref,
    task,
    payload,
    environment,
    original_environment: environment,
    description: description === "" ? null : description,
    creator: userParts(creator),
    url,
    statuses_url: `${url}/statuses`,
    repository_url: apiRepo(place),
    created_at: createdAt,
    updated_at: createdAt,
    transient_environment: deployment.transient,
    production_environment: deployment.production,
  });
}

export function viewStatus(place: Place, deployment: SimDeployment, status: SimStatus): JsonObject {
  const url = `${apiRepo(place)}/deployments/${deployment.id}`;
  return place.fill("deployment-status", {
    id: status.id,
    state: status.state,
    description: status.description,
    environment: status.environment,
    environment_url: status.environmentUrl,
    log_url: status.logUrl,
    target_url: status.logUrl,
    creator: userParts(status.creator),
    url: `${url}/statuses/${status.id}`,
    deployment_url: url,
    repository_url: apiRepo(place),
    created_at: status.createdAt,
    updated_at: status.createdAt,
  });
}

export function viewCommit(place: Place, seed: CommitSeed): JsonObject {
  const { name, email, login } = seed.author ?? { name: "Ada Lovelace", email: "ada@example.org", login: undefined };
  const person = { name, email, date: seed.date ?? "2026-01-01T00:00:00Z" };
  return place.fill("commit", {
    sha: seed.sha,
    html_url: `${htmlRepo(place)}/commit/${seed.sha}`,
    commit: { message: seed.message ?? "A change", author: person, committer: person },
    author: login === undefined ? null : place.fill("simple-user", userParts(login)),
    committer: login === undefined ? null : place.fill("simple-user", userParts(login)),
    parents: (seed.parents ?? []).map((sha) => ({ sha, url: `${apiRepo(place)}/commits/${sha}` })),
  });
}

/** Parts that `pull-request` and `pull-request-simple` share. */
export function viewPull(place: Place, seed: PullSeed, schema: "pull-request" | "pull-request-simple"): JsonObject {
  const { state } = place;
  const repository = (name: string): JsonObject => ({
    full_name: name,
    name: name.split("/")[1] ?? "",
    owner: userParts(name.split("/")[0] ?? ""),
  });
  const author = seed.author ?? "ada";
  const side = (name: string, ref: string, sha: string): JsonObject => ({
    label: `${name.split("/")[0]}:${ref}`,
    ref,
    sha,
    repo: repository(name),
    user: userParts(name.split("/")[0] ?? ""),
  });
  return place.fill(schema, {
    number: seed.number,
    id: 500_000 + seed.number,
    state: seed.state ?? "open",
    title: seed.title ?? "A pull request",
    user: userParts(author),
    html_url: `${htmlRepo(place)}/pull/${seed.number}`,
    head: side(seed.headRepository ?? state.repository, seed.headRef ?? `branch-${seed.number}`, seed.headSha),
    base: side(state.repository, seed.baseRef ?? "main", state.resolve("main") ?? "0".repeat(40)),
  });
}

export function viewRun(place: Place, seed: RunSeed): JsonObject {
  return place.fill("workflow-run", {
    id: seed.id,
    name: seed.name ?? "deploy",
    run_attempt: seed.attempt ?? 1,
    run_number: 1,
    event: seed.event ?? "push",
    head_sha: seed.headSha,
    head_branch: seed.headBranch ?? "main",
    status: seed.status ?? "in_progress",
    conclusion: seed.conclusion ?? null,
    html_url: `${htmlRepo(place)}/actions/runs/${seed.id}`,
    head_repository: { full_name: seed.headRepository ?? place.state.repository },
  });
}

export function viewArtifact(place: Place, id: number, seed: ArtifactSeed): JsonObject {
  return place.fill("artifact", {
    id,
    name: seed.name,
    size_in_bytes: seed.archive.byteLength,
    expired: seed.expired ?? false,
    archive_download_url: `${htmlRepo(place)}/actions/artifacts/${id}/zip`,
  });
}

export function viewJob(place: Place, run: RunSeed, job: JobSeed): JsonObject {
  return place.fill("job", {
    id: job.id,
    run_id: run.id,
    run_attempt: run.attempt ?? 1,
    name: job.name,
    head_sha: run.headSha,
    status: job.status ?? "in_progress",
    conclusion: job.conclusion ?? null,
    html_url: `${htmlRepo(place)}/actions/runs/${run.id}/job/${job.id}`,
  });
}
