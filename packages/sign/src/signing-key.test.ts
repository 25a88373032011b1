import { generateKeyPairSync } from "node:crypto";
import { isBelayError } from "@belay/core";
import { describe, expect, it } from "vitest";
import { keyId, loadPublicKey } from "./public-key.ts";
import { loadSigningKey } from "./signing-key.ts";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const wrap = (value: unknown) =>
  `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${Buffer.from(JSON.stringify(value)).toString("base64")}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;

describe("a signing key", () => {
  it.each(["pkcs8", "sec1"] as const)("is read from PEM (%s)", async (type) => {
    const key = await loadSigningKey(pair.privateKey.export({ type, format: "pem" }) as string);
    expect(keyId(key.publicKey)).toBe(keyId(pair.publicKey));
  });

  it("is read from PEM with a password", async () => {
    const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
    const pem = pair.privateKey.export(options) as string;
    expect(keyId((await loadSigningKey(pem, "x")).publicKey)).toBe(keyId(pair.publicKey));
    await expect(loadSigningKey(pem, "y")).rejects.toThrow("its password is another");
  });

  it.each([
    ["no key", "hello secret", "it is no private key"],
    [
      "a key of another curve",
      generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      "secp384r1",
    ],
    ["no envelope", wrap({ secret: 1 }), "no encrypted key of cosign"],
    [
      "an envelope that asks for all memory",
      wrap({
        kdf: { name: "scrypt", params: { N: 2 ** 30, r: 8, p: 1 }, salt: "AAAA" },
        cipher: { name: "nacl/secretbox", nonce: "AAAA" },
        ciphertext: "AAAA",
      }),
      "too much memory",
    ],
  ])("is refused when it is %s, without a word of it", async (_what, pem, words) => {
    const error: unknown = await loadSigningKey(pem, "p4ssw0rd").catch((thrown: unknown) => thrown);
    expect(isBelayError(error, "INVALID_INPUT")).toBe(true);
    expect(String(error)).toContain(words);
    expect(String(error)).not.toContain("p4ssw0rd");
    expect(String(error)).not.toContain("hello secret");
  });
});

describe("a public key", () => {
  it("is read from PEM, and a private one is refused in its place", () => {
    const pem = pair.publicKey.export({ type: "spki", format: "pem" }) as string;
    expect(keyId(loadPublicKey(pem, "x"))).toBe(keyId(pair.publicKey));
    const secret = pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    expect(() => loadPublicKey(secret, "reading the key")).toThrow("reading the key: it is no public key in PEM");
    expect(() => loadPublicKey("-----BEGIN PUBLIC KEY-----\nx", "x")).toThrow("no public key");
  });
});
