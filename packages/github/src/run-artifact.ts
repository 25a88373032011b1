import type { Api } from "./client.ts";

/** What a run kept, and what GitHub itself says of that run: an artifact's content is only as trusted as its run. */
export interface RunArtifact {
  /** The zip archive; none: it is larger than what was asked for, and was not downloaded. */
  readonly archive?: Uint8Array;
  /** Of the archive, as GitHub tells it. */
  readonly bytes: number;
  /** Commit that the run was for. */
  readonly headSha: string;
  /** `owner/name` that the commit is in; another one for a pull request of a fork. */
  readonly headRepository: string;
}

/** Artifacts of a run that are looked at: one page. */
const PER_PAGE = 100;

/**
 * The newest artifact of that name which a run kept, if it is no larger than `most` bytes. Works while the run goes on.
 * Source: REST API, "Get a workflow run", "List workflow run artifacts", "Download an artifact".
 */
export async function downloadRunArtifact(
  { octokit, repo }: Api,
  runId: number,
  name: string,
  most: number,
): Promise<RunArtifact | undefined> {
  const { data: run } = await octokit.rest.actions.getWorkflowRun({ ...repo, run_id: runId });
  const { data } = await octokit.rest.actions.listWorkflowRunArtifacts({
    ...repo,
    run_id: runId,
    name,
    per_page: PER_PAGE,
  });
  const [newest] = data.artifacts.filter((one) => !one.expired && one.name === name).sort((a, b) => b.id - a.id);
  if (newest === undefined) return undefined;
  const facts = { headSha: run.head_sha, headRepository: run.head_repository?.full_name ?? "" };
  const { size_in_bytes: bytes } = newest;
  if (bytes > most) return { ...facts, bytes };
  const answer = await octokit.rest.actions.downloadArtifact({
    ...repo,
    artifact_id: newest.id,
    archive_format: "zip",
  });
  const archive = new Uint8Array(answer.data as ArrayBuffer);
  return { ...facts, archive, bytes };
}
