import { BelayError, parseRelease, type Release } from "@belay/core";
import type { PipelineContext } from "./context.ts";
import { githubOf } from "./github-of.ts";

/** Name under which a workflow keeps the release document: `actions/upload-artifact` with `name: belay-release`. */
export const RELEASE_ARTIFACT_NAME = "belay-release";
/** A release is some kilobytes; anything larger is something else. */
const LARGEST = 4 * 1024 * 1024;

/**
 * The release that another job or run kept as an artifact. Needs `actions: read`.
 * @throws BelayError INVALID_INPUT, RELEASE_INVALID, GITHUB_ERROR
 */
export async function releaseOfRun(context: PipelineContext, githubToken: string, runId: string): Promise<Release> {
  const doing = `fetching the release of run ${runId}`;
  if (!/^\d{1,20}$/.test(runId)) {
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: `${JSON.stringify(runId)} is no run's id`,
      next: "Write `release: run:1234567890`.",
    });
  }
  const run = await githubOf(context, { githubToken, overrides: {} });
  if (run === undefined) {
    throw new BelayError("INVALID_INPUT", {
      doing,
      got: "this is no run of GitHub Actions",
      next: "Give the path of the release.",
    });
  }
  const archive = await run.github.runArtifact(Number(runId), RELEASE_ARTIFACT_NAME);
  if (!archive.done) throw new BelayError("GITHUB_ERROR", { doing, got: archive.deferred.message });
  if (archive.value === undefined) {
    const next =
      "Keep the release there: `actions/upload-artifact` with `name: belay-release` and the output `release` as its path.";
    throw new BelayError("RELEASE_INVALID", {
      doing,
      got: `the run has no artifact \`${RELEASE_ARTIFACT_NAME}\``,
      next,
    });
  }
  const { archive: bytes, headSha, headRepository } = archive.value;
  const own = context.env.GITHUB_REPOSITORY ?? "";
  if (headRepository.toLowerCase() !== own.toLowerCase()) {
    const next = "Give the release of a run of this repository's own commits.";
    throw new BelayError("RELEASE_INVALID", {
      doing,
      got: `the run is for a commit of ${headRepository}, not of ${own}`,
      next,
    });
  }
  const release = parseRelease(await unpack(bytes, doing), doing);
  if (release.source.revision === headSha) return release;
  throw new BelayError("RELEASE_INVALID", {
    doing,
    got: `it says that it is of commit ${release.source.revision.slice(0, 12)}, and GitHub says that the run was for ${headSha.slice(0, 12)}`,
    next: "Build the commit that the run is for, or give the release by its image.",
  });
}

async function unpack(archive: Uint8Array, doing: string): Promise<string> {
  const { unzipSync } = await import("fflate");
  const wrong = (got: string): BelayError =>
    new BelayError("RELEASE_INVALID", { doing, got, next: "Keep only release.json in the artifact `belay-release`." });
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(archive, { filter: (file) => file.name.endsWith(".json") && file.originalSize <= LARGEST });
  } catch (error) {
    throw wrong(`the artifact is no archive (${String(error)})`);
  }
  const [content, ...others] = Object.values(files);
  if (content === undefined || others.length > 0)
    throw wrong(`the artifact holds ${Object.keys(files).length} JSON files of a release's size`);
  return Buffer.from(content).toString("utf8");
}
