import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { BelayError } from "@belay/core";

/** @throws BelayError INVALID_INPUT for what is no public key in PEM */
export function loadPublicKey(pem: string, doing: string): KeyObject {
  // A private key would be taken as well, and nobody should get used to having one here.
  if (/-----BEGIN PUBLIC KEY-----/.test(pem)) {
    try {
      return createPublicKey(pem);
    } catch {
      // Told below.
    }
  }
  const next = "Give the text of cosign.pub, which begins with -----BEGIN PUBLIC KEY-----.";
  throw new BelayError("INVALID_INPUT", { doing, got: "it is no public key in PEM", next });
}

/** SHA-256 of the key (SubjectPublicKeyInfo), by which people and records name it. */
export function keyId(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** What is signed and verified with. Ed25519 hashes by itself. */
export function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}
