import type { ErrorCode } from "@belay/core";

/** What a registry's error means to a user, where it is one that registries are known to give. */
export interface KnownRefusal {
  readonly code: ErrorCode;
  readonly next: string;
}

interface Rule extends KnownRefusal {
  readonly statuses: readonly number[];
  /** Of the codes, messages and details of the answer. */
  readonly says: RegExp;
}

/**
 * Each line with who says so. Codes are free text outside of the distribution spec's list, and differ between versions:
 * words are looked for, and only with the statuses that they come with.
 */
const RULES: readonly Rule[] = [
  {
    // ECR: 400 TAG_INVALID "… already exists … cannot be overwritten because the tag is immutable", in its API
    // ImageTagAlreadyExistsException. Harbor: 412 PRECONDITION "… configured as immutable". Quay: "tag is immutable and
    // cannot be overwritten". GAR, Alibaba and MSR: likewise.
    statuses: [400, 401, 403, 405, 409, 412],
    says: /immutab|ImageTagAlreadyExists|cannot be overwritten/i,
    code: "TAG_TAKEN",
    next: "The registry does not let this tag be moved. A SHA tag needs no moving; for tags that do move (a branch's, `latest`) make an exception in the repository's immutability rule.",
  },
  {
    // GitLab: protected container tags. Azure: a locked image or repository.
    statuses: [400, 403, 405, 409],
    says: /protected tag|tag protection|operation is disallowed|(?:image|repository|tag) is locked/i,
    code: "TAG_TAKEN",
    next: "The registry protects this tag or image: unlock it, or let this user push it in the protection rule.",
  },
  {
    // Harbor: 403 DENIED "adding 29.0 MiB of storage resource, which … will exceed the configured upper limit of 10 MiB".
    // Quay: "Quota has been exceeded on namespace".
    statuses: [400, 403, 405, 409, 412, 413, 507],
    says: /quota|exceed\w* (?:the )?(?:configured |storage |upper )*limit|storage limit|LIMIT_EXCEEDED/i,
    code: "PUSH_FAILED",
    next: "Remove old images (Belay's `prune` finds those that nobody needs), or have the quota raised.",
  },
  {
    // distribution, filesystem driver: the number of ENOSPC in the error's detail.
    statuses: [500, 503, 507],
    says: /no space left|"Err":28\b/,
    code: "PUSH_FAILED",
    next: "The registry's disk is full: its operator has to make room.",
  },
  {
    // ECR makes no repository by itself. GAR and Harbor: no project of this name.
    statuses: [404],
    says: /NAME_UNKNOWN|repository (?:with name .*)?does not exist|project .*not found/i,
    code: "PUSH_FAILED",
    next: "Make the repository (or project) at the registry first, or correct its name; not every registry makes one with the first push.",
  },
  {
    // Harbor: 412 PROJECTPOLICYVIOLATION when "prevent vulnerable images from running" holds the image back.
    statuses: [403, 412],
    says: /PROJECTPOLICYVIOLATION|content trust|vulnerabilit/i,
    code: "REGISTRY_ERROR",
    next: "A policy of the registry holds the image back: see its project's settings.",
  },
  {
    // distribution in maintenance; Harbor: "The system is in read only mode".
    statuses: [403, 405, 503],
    says: /read[- ]?only/i,
    code: "PUSH_FAILED",
    next: "The registry takes no pushes at the moment (read only): try again when its maintenance is over.",
  },
];

/** `said`: the answer's body, or what of it is known. Outside text: it is only searched. */
export function knownRefusal(status: number, said: string): KnownRefusal | undefined {
  return RULES.find((rule) => rule.statuses.includes(status) && rule.says.test(said));
}
