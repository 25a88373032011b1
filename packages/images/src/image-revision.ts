import type { Source } from "@belay/core";

/** Label by which an image tells its commit (OCI image spec, "Pre-Defined Annotation Keys"). Anybody can write it. */
export const REVISION = "org.opencontainers.image.revision";

export interface CommitNames {
  readonly source: Source;
  /** `GITHUB_SHA`: on a pull request, GitHub's merge commit, by which other tools label what they build. */
  readonly workflowSha?: string;
}

/** Whether an image whose label says `revision` is of this commit, as far as a label can tell. */
export function isOfCommit(revision: string | undefined, { source, workflowSha }: CommitNames): boolean {
  return revision !== undefined && (revision === source.revision || revision === workflowSha);
}
