import { type Digest, messageOf, oneLine } from "@belay/core";
import type { Certified, Certify } from "./read-trust.ts";
import { PAYLOAD_TYPE, PROVENANCE, readStatement, SIGNED } from "./statement.ts";
import { repositoryUri, type Whose, workflowRepository } from "./workflow-repository.ts";

export interface Wanted extends Whose {
  /** Who vouched for it when the certificate was made, exactly. */
  readonly issuer: string;
}

/** Whose word it is, in words; or why it counts for nothing. */
export type Judged = { readonly by: string } | { readonly why: string };

/** Whether a bundle is a signature of the image, or an attestation of its build, by whom it is wanted of. */
export function judgeBundle(bundle: unknown, digest: Digest, wanted: Wanted, certify: Certify): Judged {
  try {
    const certified = certify(bundle);
    const why = wrongSigner(certified, wanted);
    // Only now: what is not verified says nothing.
    return why === undefined ? judgeContent(bundle as Bundle, digest, wanted, certified) : { why };
  } catch (error) {
    return { why: oneLine(messageOf(error)) };
  }
}

/** Not by the library's policy, which takes the wanted identity for a regular expression: a `.` in it would mean any letter. */
function wrongSigner({ identity, issuer }: Certified, wanted: Wanted): string | undefined {
  if (identity === wanted.identity && issuer === wanted.issuer) return undefined;
  return `it is of ${identity ?? "nobody"}, vouched for by ${issuer ?? "nobody"}`;
}

interface Bundle {
  readonly dsseEnvelope?: { readonly payload?: unknown; readonly payloadType?: unknown };
}

function judgeContent({ dsseEnvelope }: Bundle, digest: Digest, wanted: Wanted, certified: Certified): Judged {
  const { payload, payloadType } = dsseEnvelope ?? {};
  const said = payloadType === PAYLOAD_TYPE ? readStatement(Buffer.from(String(payload), "base64")) : undefined;
  const attested = said?.predicateType === PROVENANCE;
  if (said === undefined || !said.digests.includes(digest)) {
    return { why: `it is no ${attested ? "attestation" : "signature"} of this image` };
  }
  if (!attested && said.predicateType !== SIGNED) {
    return { why: `it says something else of the image: ${oneLine(said.predicateType, 200)}` };
  }
  const why = wrongRepository(certified, wanted, attested);
  if (why !== undefined) return { why };
  return {
    by: attested ? `${wanted.identity}, which built it in ${certified.repository ?? "no repository"}` : wanted.identity,
  };
}

/**
 * A workflow that others may call runs in their repositories, too, under its own name. For an attestation of a build that
 * makes the difference between what we built and what anybody did.
 */
function wrongRepository({ repository }: Certified, wanted: Wanted, attested: boolean): string | undefined {
  const name = attested ? workflowRepository(wanted) : wanted.repository;
  if (name === undefined || repository === repositoryUri(wanted, name)) return undefined;
  const next = wanted.repository === undefined ? " (`repository` of `require-signature` names another)" : "";
  return `it was made in ${repository ?? "no repository"}, not in ${repositoryUri(wanted, name)}${next}`;
}
