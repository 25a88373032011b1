import { BelayError, parseRelease, type Release } from "@belay/core";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, githubOf } from "../run/github-of.ts";

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
  const archive = await run.github.runArtifact(Number(runId), RELEASE_ARTIFACT_NAME, LARGEST);
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
  const { archive: bytes, bytes: size, headSha, headRepository } = archive.value;
  const own = context.env.GITHUB_REPOSITORY ?? "";
  if (headRepository.toLowerCase() !== own.toLowerCase()) {
    const next = "Give the release of a run of this repository's own commits.";
    throw new BelayError("RELEASE_INVALID", {
      doing,
      got: `the run is for a commit of ${headRepository}, not of ${own}`,
      next,
    });
  }
  if (bytes === undefined)
    throw wrongArtifact(doing, `the artifact has ${size} bytes, and a release at most ${LARGEST}`);
  const release = parseRelease(await unpack(bytes, doing), doing);
  if (release.source.revision === headSha) return checkPullRequest(context, run, release);
  throw new BelayError("RELEASE_INVALID", {
    doing,
    got: `it says that it is of commit ${release.source.revision.slice(0, 12)}, and GitHub says that the run was for ${headSha.slice(0, 12)}`,
    next: "Build the commit that the run is for, or give the release by its image.",
  });
}

/** Its number is an author's to write: what GitHub does not say of the commit is left out. */
async function checkPullRequest({ log }: PipelineContext, run: GitHubRun, release: Release): Promise<Release> {
  const { pullRequest: said, ...source } = release.source;
  if (said === undefined) return release;
  const found = await run.github.findPullRequest(source.revision);
  const number = found.done ? found.value?.number : undefined;
  if (number === said) return release;
  const none = found.done ? "GitHub tells of none" : "GitHub did not tell";
  const told = number === undefined ? none : `GitHub says ${number}`;
  log.warn(`The release says that it is of pull request ${said}, and ${told}: that is left out.`);
  return { ...release, source };
}

function wrongArtifact(doing: string, got: string): BelayError {
  const next = "Keep only release.json in the artifact `belay-release`.";
  return new BelayError("RELEASE_INVALID", { doing, got, next });
}

/** Nothing is written to disk. A name that leads elsewhere is none that actions/upload-artifact makes. */
function isRelease({ name, originalSize }: { readonly name: string; readonly originalSize: number }): boolean {
  const parts = name.split("/");
  return name.endsWith(".json") && !parts.includes("..") && !/^\/|\\/.test(name) && originalSize <= LARGEST;
}

async function unpack(archive: Uint8Array, doing: string): Promise<string> {
  const { unzipSync } = await import("fflate");
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(archive, { filter: isRelease });
  } catch (error) {
    throw wrongArtifact(doing, `the artifact is no archive (${String(error)})`);
  }
  const [content, ...others] = Object.values(files);
  if (content === undefined || others.length > 0)
    throw wrongArtifact(doing, `the artifact holds ${Object.keys(files).length} JSON files of a release's size`);
  return Buffer.from(content).toString("utf8");
}
