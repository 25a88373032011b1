import { type Digest, isDigest } from "@belay/core";
import * as z from "zod/mini";

/** What cosign's signatures say in a Sigstore bundle (cosign, `pkg/types/predicate.go`). */
export const SIGNED = "https://sigstore.dev/cosign/sign/v1";
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** in-toto attestation framework, "Statement". */
const STATEMENT = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.array(z.object({ digest: z.partial(z.object({ sha256: z.string() })) })),
  predicateType: z.string(),
});

/** The bytes that are signed without a key: which image. */
export function signedStatement(digest: Digest): Buffer {
  const subject = [{ digest: { sha256: digest.slice("sha256:".length) } }];
  return Buffer.from(
    JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType: SIGNED, predicate: {} }),
  );
}

/** Digests that a statement signs; none when it is no signature but says something else of its subject. */
export function statedDigests(payload: Uint8Array): Digest[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    const checked = STATEMENT.safeParse(value);
    if (!checked.success || checked.data.predicateType !== SIGNED) return [];
    return checked.data.subject.map(({ digest }) => `sha256:${digest.sha256}`).filter(isDigest);
  } catch {
    return [];
  }
}
