/** What a job that uses an action must be allowed, for the generated documentation. Data that no action.yml can hold. */

export interface Permission {
  /** Key under `permissions:`. */
  readonly name: string;
  readonly level: "read" | "write";
  readonly why: string;
  /** Set when the action works without it, and what is missing then. */
  readonly without?: string;
}

const CONTENTS: Permission = { name: "contents", level: "read", why: "`actions/checkout` reads the code." };
const PULL: Permission = {
  name: "packages",
  level: "read",
  why: "The identity of images on ghcr.io is read.",
  without: "Needed only when your images are private and on ghcr.io.",
};
const PUSH: Permission = {
  name: "packages",
  level: "write",
  why: "Images are pushed to ghcr.io with the job's token.",
  without: "Needed only for ghcr.io. Log in to another registry with its own credentials.",
};
const IDENTITY: Permission = {
  name: "id-token",
  level: "write",
  why: "GitHub says to Sigstore which workflow signs.",
  without: "Needed only to sign without a key.",
};
const DELETE: Permission = {
  name: "packages",
  level: "write",
  why: "Images on ghcr.io are listed, and deleted as versions of their packages.",
  without: "Needed only for ghcr.io; `read` is enough for a dry run. Log in to others with their own credentials.",
};
const SIGN: Permission = {
  name: "packages",
  level: "write",
  why: "Signatures are pushed to ghcr.io with the job's token.",
  without: "Needed only for ghcr.io. Log in to another registry with its own credentials.",
};
const DEPLOYMENTS: Permission = {
  name: "deployments",
  level: "write",
  why: "The GitHub deployment and its statuses are written.",
  without: "The target is deployed all the same. GitHub shows no deployment, and the log says so.",
};
const COMMENT: Permission = {
  name: "pull-requests",
  level: "write",
  why: "The pull request's comment is kept up to date.",
  without: "The target is deployed all the same. The report is in the job summary only.",
};

const RUNS: Permission = {
  name: "actions",
  level: "read",
  why: "Belay asks whether another run has ended, and fetches the release that a run kept (`release: run:<id>`).",
  without:
    "A run that died is noticed by its missing beats instead, after 30 seconds, and its GitHub deployment may stay in progress. `release: run:<id>` can't be used.",
};
const ALERTS: Permission = {
  name: "security-events",
  level: "write",
  why: "`scan-upload: sarif` gives code scanning the results.",
  without: "Needed only for that. The scan decides all the same, and the log says that nothing was uploaded.",
};
const ATTESTATIONS: Permission = {
  name: "attestations",
  level: "read",
  why: "`require-signature` by identity also takes the attestations that GitHub keeps of an image.",
  without:
    "Needed only for those. Signatures, and attestations that were pushed to the registry, are found without it.",
};
/** Per folder under `actions/`; `belay` is the action at the root of the repository. */
export const PERMISSIONS: Readonly<Record<string, readonly Permission[]>> = {
  belay: [CONTENTS, PUSH, DEPLOYMENTS, COMMENT, RUNS, IDENTITY, ATTESTATIONS],
  build: [CONTENTS],
  scan: [CONTENTS, PULL, ALERTS],
  push: [CONTENTS, PUSH],
  deploy: [CONTENTS, PULL, DEPLOYMENTS, COMMENT, RUNS, ATTESTATIONS],
  plan: [CONTENTS, PULL, COMMENT, RUNS, ATTESTATIONS],
  rollback: [CONTENTS, PULL, DEPLOYMENTS, COMMENT, RUNS, ATTESTATIONS],
  report: [CONTENTS, PULL, DEPLOYMENTS, COMMENT, RUNS],
  prune: [CONTENTS, DELETE],
  sign: [CONTENTS, SIGN, IDENTITY],
  trivy: [PULL],
};
