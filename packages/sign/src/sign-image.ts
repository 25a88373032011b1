import { sign } from "node:crypto";
import { BelayError } from "@belay/core";
import { checkSignature } from "./check-signature.ts";
import { logSignature } from "./log-signature.ts";
import { signaturePayload } from "./payload.ts";
import { hashOf } from "./public-key.ts";
import { addSignature, type StoreOptions } from "./signature-store.ts";
import type { SigningKey } from "./signing-key.ts";

export interface SignImageOptions extends StoreOptions {
  /** Transparency log (Rekor), in which the signature becomes public. Default: none. */
  readonly rekorUrl?: string;
}

/**
 * Signs an image in its registry by digest, as `cosign sign --key` does, and reads the signature back. An image that this
 * key has signed already is left as it is, so that it is safe to repeat. For an index its digest is signed, which
 * fixes every platform of it. Where it is to be logged, only one that was logged counts.
 * @throws BelayError PUSH_FAILED, REGISTRY_*; INVALID_INPUT for a key whose signatures no log takes
 */
export async function signImage(options: SignImageOptions, key: SigningKey): Promise<"signed" | "already signed"> {
  const { registry, repository, digest, rekorUrl } = options;
  const logged = rekorUrl !== undefined;
  const doing = `signing ${repository}@${digest}`;
  if (logged && hashOf(key.privateKey) === null) {
    // Rekor, "hashedrekord": it has the hash only, and Ed25519 signs the whole.
    const next = "Sign with ECDSA P-256 or RSA, or leave `rekor-url` out.";
    throw new BelayError("INVALID_INPUT", { doing, got: "the log takes no signatures of Ed25519 keys", next });
  }
  if ((await registry.manifest(repository, digest)) === undefined) {
    throw new BelayError("PUSH_FAILED", { doing, got: "the registry has no such image", next: "Push it first." });
  }
  const check = () => checkSignature(registry, repository, digest, key.publicKey, { logged, onlyTag: true });
  const before = await check();
  if (before.signed && (before.logged || !logged)) return "already signed";
  const payload = signaturePayload(repository, digest);
  const made = { payload, signature: sign(hashOf(key.privateKey), payload, key.privateKey) };
  const logEntry = logged ? { logEntry: await logSignature(made, key, { rekorUrl, doing }) } : {};
  await addSignature(options, { ...made, ...logEntry });
  const after = await check();
  if (after.signed) return "signed";
  throw new BelayError("PUSH_FAILED", { doing, got: `the signature is not what comes back: ${after.why}` });
}
