import { createHash } from "node:crypto";
import { BelayError, messageOf } from "@belay/core";
import type { StoredSignature } from "./signature-store.ts";
import type { SigningKey } from "./signing-key.ts";

const DEADLINE_MS = 30_000;
const RETRY = { retries: 3, minTimeout: 200, factor: 3 };

/**
 * Enters a signature by key into a transparency log (Rekor), with the hash of what was signed and the public key. Gives what
 * cosign keeps beside the signature as the log's promise (cosign, `pkg/cosign/bundle`, `RekorBundle`), as JSON.
 * @throws BelayError PUSH_FAILED
 */
export async function logSignature(
  { payload, signature }: Pick<StoredSignature, "payload" | "signature">,
  { publicKey }: Pick<SigningKey, "publicKey">,
  { rekorUrl, doing }: { readonly rekorUrl: string; readonly doing: string },
): Promise<string> {
  const [{ RekorWitness }, { HashAlgorithm }] = await Promise.all([
    import("@sigstore/sign"),
    import("@sigstore/protobuf-specs"),
  ]);
  const witness = new RekorWitness({ rekorBaseURL: rekorUrl, timeout: DEADLINE_MS, retry: RETRY });
  const digest = createHash("sha256").update(payload).digest();
  const messageDigest = { algorithm: HashAlgorithm.SHA2_256, digest };
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  try {
    const content = { $case: "messageSignature", messageSignature: { messageDigest, signature } } as const;
    const { tlogEntries: [entry] = [] } = await witness.testify(content, pem);
    const promise = entry?.inclusionPromise?.signedEntryTimestamp;
    if (entry?.logId === undefined || promise === undefined) throw new Error("the log promises nothing");
    return JSON.stringify({
      SignedEntryTimestamp: promise.toString("base64"),
      Payload: {
        body: entry.canonicalizedBody.toString("base64"),
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: entry.logId.keyId.toString("hex"),
      },
    });
  } catch (error) {
    const why = (error as Error).cause;
    const got = why === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(why)})`;
    const next = `Look whether ${rekorUrl} can be reached, or leave \`rekor-url\` out: then nothing is logged.`;
    throw new BelayError("PUSH_FAILED", { doing, got: `the log took no entry: ${got}`, next, cause: error });
  }
}
