import { createPrivateKey, createPublicKey, type KeyObject, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { BelayError, messageOf } from "@belay/core";
import * as z from "zod/mini";

/** A pair of which only this process knows the private half. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** PEM names of keys that `cosign generate-key-pair` writes (cosign, `pkg/cosign/keys.go`). */
const ENCRYPTED = /^-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----([\s\S]+?)-----END/m;

/** What is in them (go-securesystemslib, `encrypted/encrypted.go`). */
const ENVELOPE = z.object({
  kdf: z.object({
    name: z.literal("scrypt"),
    params: z.object({ N: z.int(), r: z.int(), p: z.int() }),
    salt: z.base64(),
  }),
  cipher: z.object({ name: z.literal("nacl/secretbox"), nonce: z.base64() }),
  ciphertext: z.base64(),
});

/** cosign writes N 32,768 or 65,536. A file that asks for more would take memory until the machine has none. */
const MOST_MEMORY = 512 * 1024 * 1024;

const DOING = "reading the signing key";

/**
 * Reads a private key: a `cosign.key` and its password, or a PEM key (PKCS #8, `EC PRIVATE KEY`, `RSA PRIVATE KEY`).
 * @throws BelayError INVALID_INPUT, which never tells anything of the key
 */
export async function loadSigningKey(pem: string, password = ""): Promise<SigningKey> {
  const envelope = ENCRYPTED.exec(pem)?.[1];
  const privateKey =
    envelope === undefined ? plainKey(pem, password) : asKey(await decrypt(Buffer.from(envelope, "base64"), password));
  const kind = privateKey.asymmetricKeyType;
  const curve = privateKey.asymmetricKeyDetails?.namedCurve;
  if (kind === "ed25519" || kind === "rsa" || (kind === "ec" && curve === "prime256v1")) {
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }
  return refuse(`it is of the kind ${[kind, curve].filter(Boolean).join(" ")}`, "Use ECDSA P-256, Ed25519 or RSA.");
}

function plainKey(pem: string, password: string): KeyObject {
  try {
    return createPrivateKey(password === "" ? pem : { key: pem, passphrase: password });
  } catch {
    // Node's own words can hold parts of what it was given.
    return refuse("it is no private key in PEM, or its password is another", "Give the whole text of the key.");
  }
}

function asKey(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    return refuse("what was encrypted is no private key", "Make a new pair with `cosign generate-key-pair`.");
  }
}

async function decrypt(bytes: Buffer, password: string): Promise<Buffer> {
  const { kdf, cipher, ciphertext } = readEnvelope(bytes);
  const { N, r, p } = kdf.params;
  if (128 * N * r * p > MOST_MEMORY) refuse("it asks for too much memory", "Make a new pair with cosign.");
  const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
  const limits = { N, r, p, maxmem: MOST_MEMORY + 1024 * 1024 };
  const key = await derive(password, Buffer.from(kdf.salt, "base64"), 32, limits).catch((error: unknown) =>
    refuse(messageOf(error), "Make a new pair with cosign."),
  );
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  try {
    const box = xsalsa20poly1305(key, Buffer.from(cipher.nonce, "base64"));
    return Buffer.from(box.decrypt(Buffer.from(ciphertext, "base64")));
  } catch {
    return refuse("its password is another", "Give the password of the key in COSIGN_PASSWORD.");
  }
}

function readEnvelope(bytes: Buffer): z.infer<typeof ENVELOPE> {
  try {
    return ENVELOPE.parse(JSON.parse(bytes.toString("utf8")));
  } catch {
    return refuse("it is no encrypted key of cosign", "Give the whole text of cosign.key.");
  }
}

function refuse(got: string, next: string): never {
  throw new BelayError("INVALID_INPUT", { doing: DOING, got, next });
}
