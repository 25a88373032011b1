import { type Digest, isDigest } from "@belay/core";
import * as z from "zod/mini";

/** What cosign's signatures say in a Sigstore bundle (cosign, `pkg/types/predicate.go`). */
export const SIGNED = "https://sigstore.dev/cosign/sign/v1";
/** What `actions/attest-build-provenance` says: how it was built (slsa.dev, "Provenance", v1). */
export const PROVENANCE = "https://slsa.dev/provenance/v1";
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** in-toto attestation framework, "Statement". */
const STATEMENT = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.array(z.object({ digest: z.partial(z.object({ sha256: z.string() })) })),
  predicateType: z.string(),
});

/** What a statement says, and of what. */
export interface Statement {
  readonly predicateType: string;
  readonly digests: readonly Digest[];
}

/** The bytes that are signed without a key: which image. */
export function signedStatement(digest: Digest): Buffer {
  const subject = [{ digest: { sha256: digest.slice("sha256:".length) } }];
  return Buffer.from(
    JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType: SIGNED, predicate: {} }),
  );
}

/** Nothing for what is no statement. */
export function readStatement(payload: Uint8Array): Statement | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    const checked = STATEMENT.safeParse(value);
    if (!checked.success) return undefined;
    const { predicateType, subject } = checked.data;
    return { predicateType, digests: subject.map(({ digest }) => `sha256:${digest.sha256}`).filter(isDigest) };
  } catch {
    return undefined;
  }
}
