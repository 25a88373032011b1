import type { Digest } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { bundlesBeside, type FoundBundle } from "./bundles-beside.ts";
import type { SignatureCheck } from "./check-signature.ts";
import { judgeBundle, type Wanted } from "./judge-bundle.ts";
import { type Certify, readTrust } from "./read-trust.ts";

export interface IdentityRequirement extends Wanted {
  /** Absolute path of trusted roots (JSON) with the authorities and logs. Default: Sigstore's public one, by TUF. */
  readonly trustedRoot?: string;
}

/** What is kept of an image somewhere else than beside it. Asked only when nothing beside it counts. */
export type KeptElsewhere = (digest: Digest) => Promise<{
  readonly bundles: readonly FoundBundle[];
  /** What to tell when nothing counts: who was asked, or why nobody. */
  readonly note?: string;
}>;

const nowhere: KeptElsewhere = async () => ({ bundles: [] });

/**
 * Whether an image carries a signature, or an attestation of its build, certified for this identity by this issuer, that
 * stands in a transparency log. What others signed neither helps nor harms.
 * @throws BelayError CONFIG_INVALID for a trusted root that can't be read or had; what the registry throws when it can't be
 * reached, does not let us in or does not list what is beside the image
 */
export async function checkIdentity(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  requirement: IdentityRequirement,
  elsewhere: KeptElsewhere = nowhere,
): Promise<SignatureCheck> {
  let trust: Promise<Certify> | undefined;
  const reasons: string[] = [];
  /** Whose word it is, when it counts. */
  const hear = async (found: FoundBundle): Promise<string | undefined> => {
    trust ??= readTrust(requirement.trustedRoot);
    const judged = "why" in found ? found : judgeBundle(found.bundle, digest, requirement, await trust);
    if ("by" in judged) return judged.by;
    reasons.push(judged.why);
    return undefined;
  };
  for await (const found of bundlesBeside(registry, repository, digest)) {
    const by = await hear(found);
    if (by !== undefined) return { signed: true, by };
  }
  const { bundles, note } = await elsewhere(digest);
  for (const found of bundles) {
    const by = await hear(found);
    if (by !== undefined) return { signed: true, by };
  }
  return { signed: false, why: note === undefined ? whyNot(reasons) : `${whyNot(reasons)}; ${note}` };
}

function whyNot(reasons: readonly string[]): string {
  if (reasons.length === 0) return "it has no signature with a certificate";
  const told = [...new Set(reasons)].join("; ");
  return `none of its ${reasons.length} signatures and attestations counts: ${told}`;
}
