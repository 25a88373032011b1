import { type KeyObject, sign, verify } from "node:crypto";
import { BelayError } from "@belay/core";
import { signaturePayload, signedDigest } from "./payload.ts";
import { addSignature, readSignatures, type StoredSignature, type StoreOptions } from "./signature-store.ts";
import type { SigningKey } from "./signing-key.ts";

/**
 * Signs an image in its registry by digest, as `cosign sign --key` does, and reads the signature back. An image that this
 * key has signed already is left as it is, so that it is safe to repeat. For an index its digest is signed, which
 * fixes every platform of it.
 * @throws BelayError PUSH_FAILED, REGISTRY_*
 */
export async function signImage(options: StoreOptions, key: SigningKey): Promise<"signed" | "already signed"> {
  const { registry, repository, digest } = options;
  const doing = `signing ${repository}@${digest}`;
  if ((await registry.manifest(repository, digest)) === undefined) {
    throw new BelayError("PUSH_FAILED", { doing, got: "the registry has no such image", next: "Push it first." });
  }
  const before = await readSignatures(registry, repository, digest);
  if (before.some((one) => isSignedBy(one, key.publicKey, digest))) return "already signed";
  const payload = signaturePayload(repository, digest);
  await addSignature(options, { payload, signature: sign(hashOf(key.privateKey), payload, key.privateKey) });
  const after = await readSignatures(registry, repository, digest);
  if (after.some((one) => isSignedBy(one, key.publicKey, digest))) return "signed";
  throw new BelayError("PUSH_FAILED", { doing, got: "the signature that came back is none of this key" });
}

/** Whether a signature is of this key and speaks of this image. */
export function isSignedBy({ payload, signature }: StoredSignature, key: KeyObject, digest: string): boolean {
  return verify(hashOf(key), payload, key, signature) && signedDigest(payload) === digest;
}

/** Ed25519 hashes by itself. */
function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}
