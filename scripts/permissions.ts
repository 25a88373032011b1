/** What a job that uses an action must be allowed, for the generated documentation. Data that no action.yml can hold. */

export interface Permission {
  /** Key under `permissions:`. */
  readonly name: string;
  readonly level: "read" | "write";
  readonly why: string;
  /** Set when the action works without it, and what is missing then. */
  readonly without?: string;
  /** Only a setting that is off by default asks for it: the call that is shown goes without. */
  readonly optional?: true;
}

const CONTENTS: Permission = { name: "contents", level: "read", why: "`actions/checkout` reads the code." };
const PULL: Permission = {
  name: "packages",
  level: "read",
  why: "Images on ghcr.io are read with the job's token.",
  without: "Needed only when your images are private and on ghcr.io.",
};
const BUILT_BEFORE: Permission = {
  name: "packages",
  level: "read",
  why: "An image of this commit that was pushed to ghcr.io before is looked for, and the digests of images of others there.",
  without:
    "Needed only when your images are private and on ghcr.io. A commit that was pushed before is built again, and the push may refuse its tag.",
};
const TRIVY: Permission = {
  name: "packages",
  level: "read",
  why: "Trivy reads images on ghcr.io.",
  without: "Needed only when they are private, and a step before (docker/login-action) logs in with the job's token.",
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
const SIGN_TOO: Permission = { ...IDENTITY, optional: true };
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
const PLAN_COMMENT: Permission = { ...COMMENT, without: "The plan is in the job summary only." };
/** What the summary of a step that failed tells besides. */
const FAILED: readonly Permission[] = [
  {
    name: "deployments",
    level: "read",
    why: "The summary of a step that failed lists what the environments run.",
    without: "That list is left out, and a warning says so.",
    optional: true,
  },
  {
    name: "pull-requests",
    level: "read",
    why: "The summary of a step that failed names the commit's pull request, outside of pull requests' own events.",
    without: "It names none, and a warning says so.",
    optional: true,
  },
];

const ENDED: Permission = {
  name: "actions",
  level: "read",
  why: "Belay asks whether another run has ended.",
  without:
    "A run that died is noticed by its missing beats instead, after 30 seconds, and its GitHub deployment may stay in progress.",
};
const RUNS: Permission = {
  ...ENDED,
  why: "Belay asks whether another run has ended, and fetches the release that a run kept (`release: run:<id>`).",
  without: `${ENDED.without} \`release: run:<id>\` can't be used.`,
};
const SETTLED: Permission = {
  ...ENDED,
  why: "Belay asks whether the runs of older GitHub deployments have ended.",
  without: "Where such a run died, its GitHub deployment may stay in progress.",
};
const KEPT_RELEASE: Permission = {
  name: "actions",
  level: "read",
  why: "The release that a run kept is fetched (`release: run:<id>`).",
  without: "Needed only for that.",
  optional: true,
};
const ALERTS: Permission = {
  name: "security-events",
  level: "write",
  why: "`scan-upload: sarif` gives code scanning the results.",
  without: "Needed only for that. The scan decides all the same, and the log says that nothing was uploaded.",
  optional: true,
};
const SNAPSHOTS: Permission = {
  ...ALERTS,
  name: "contents",
  why: "`scan-upload: dependencies` gives the dependency graph what is in the images.",
};
const ATTESTATIONS: Permission = {
  name: "attestations",
  level: "read",
  why: "`require-signature` by identity also takes the attestations that GitHub keeps of an image.",
  without:
    "Needed only for those. Signatures, and attestations that were pushed to the registry, are found without it.",
  optional: true,
};
/** Per folder under `actions/`; `belay` is the action at the root of the repository. */
export const PERMISSIONS: Readonly<Record<string, readonly Permission[]>> = {
  belay: [CONTENTS, PUSH, DEPLOYMENTS, COMMENT, ENDED, ALERTS, SNAPSHOTS, SIGN_TOO, ATTESTATIONS],
  build: [CONTENTS, BUILT_BEFORE, ...FAILED],
  scan: [CONTENTS, PULL, ALERTS, SNAPSHOTS, ...FAILED],
  push: [CONTENTS, PUSH, ...FAILED],
  deploy: [CONTENTS, PULL, DEPLOYMENTS, COMMENT, RUNS, ATTESTATIONS],
  plan: [CONTENTS, PULL, PLAN_COMMENT, KEPT_RELEASE, ATTESTATIONS],
  rollback: [CONTENTS, PULL, DEPLOYMENTS, COMMENT, ENDED, ATTESTATIONS],
  report: [CONTENTS, DEPLOYMENTS, COMMENT, SETTLED],
  prune: [CONTENTS, DELETE],
  sign: [CONTENTS, SIGN, IDENTITY, ...FAILED],
  trivy: [TRIVY],
};
