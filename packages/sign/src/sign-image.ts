import { sign } from "node:crypto";
import { BelayError } from "@belay/core";
import { checkSignature } from "./check-signature.ts";
import { signaturePayload } from "./payload.ts";
import { hashOf } from "./public-key.ts";
import { addSignature, type StoreOptions } from "./signature-store.ts";
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
  const before = await checkSignature(registry, repository, digest, key.publicKey);
  if (before.signed) return "already signed";
  const payload = signaturePayload(repository, digest);
  await addSignature(options, { payload, signature: sign(hashOf(key.privateKey), payload, key.privateKey) });
  const after = await checkSignature(registry, repository, digest, key.publicKey);
  if (after.signed) return "signed";
  throw new BelayError("PUSH_FAILED", { doing, got: `the signature is not what comes back: ${after.why}` });
}
