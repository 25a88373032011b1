import type { Api } from "./client.ts";

/** Artifacts of a run that are looked at: one page. */
const PER_PAGE = 100;

/**
 * The newest artifact of that name which a run kept, as the zip archive that GitHub serves. Works while the run goes on.
 * Source: REST API, "List workflow run artifacts" and "Download an artifact".
 */
export async function downloadRunArtifact(
  { octokit, repo }: Api,
  runId: number,
  name: string,
): Promise<Uint8Array | undefined> {
  const { data } = await octokit.rest.actions.listWorkflowRunArtifacts({
    ...repo,
    run_id: runId,
    name,
    per_page: PER_PAGE,
  });
  const [newest] = data.artifacts.filter((one) => !one.expired && one.name === name).sort((a, b) => b.id - a.id);
  if (newest === undefined) return undefined;
  const answer = await octokit.rest.actions.downloadArtifact({
    ...repo,
    artifact_id: newest.id,
    archive_format: "zip",
  });
  return new Uint8Array(answer.data as ArrayBuffer);
}
