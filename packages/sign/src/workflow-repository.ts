/** Whose certificate it is: an exact subject and, where it is a workflow, in which repository it ran. */
export interface Whose {
  /** Subject of the certificate, exactly: for GitHub Actions the workflow and its ref. */
  readonly identity: string;
  /** `owner/name`. */
  readonly repository?: string;
}

/** A workflow as GitHub's certificates name it (docs.github.com, "OpenID Connect reference", `job_workflow_ref`). */
const WORKFLOW = /^(https:\/\/[^/\s]+)\/([^/\s]+\/[^/\s]+)\/\.github\/workflows\/[^@\s]+@/;

/**
 * Repository, as `owner/name`, whose runs may attest a build: the one that was named, else the one that the workflow is in.
 * Nothing for who is no workflow.
 */
export function workflowRepository({ identity, repository }: Whose): string | undefined {
  return repository ?? WORKFLOW.exec(identity)?.[2];
}

/** The address of a repository as certificates have it ("Source Repository URI"). */
export function repositoryUri({ identity }: Whose, repository: string): string {
  return `${WORKFLOW.exec(identity)?.[1] ?? "https://github.com"}/${repository}`;
}
