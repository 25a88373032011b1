import { createHash } from "node:crypto";

type Bytes = ArrayBufferView;

/** What there is to trust at one address. Without a log there is none of that kind. */
export interface Trusted {
  readonly url: string;
  readonly log?: Bytes;
  readonly ctlog?: { readonly publicKey: Bytes; readonly logID: Bytes };
  readonly root: Bytes;
  /** Signs the time. */
  readonly clock: { readonly intCertificate: Bytes; readonly rootCertificate: Bytes };
}

/** In Sigstore's form (TrustedRoot, JSON, one line). */
export function trustedRoot({ url, log, ctlog, root, clock }: Trusted): string {
  const validFor = { start: new Date(Date.now() - 86_400_000).toISOString() };
  const logOf = (publicKey: Bytes, keyId: string) => ({
    baseUrl: url,
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: base64(publicKey), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
    logId: { keyId },
  });
  const authorityOf = (...chain: Bytes[]) => ({
    subject: { organization: "rig", commonName: "rig" },
    uri: url,
    certChain: { certificates: chain.map((one) => ({ rawBytes: base64(one) })) },
    validFor,
  });
  return JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: log === undefined ? [] : [logOf(log, createHash("sha256").update(bytesOf(log)).digest("base64"))],
    certificateAuthorities: [authorityOf(root)],
    ctlogs: ctlog === undefined ? [] : [logOf(ctlog.publicKey, base64(ctlog.logID))],
    timestampAuthorities: [authorityOf(clock.intCertificate, clock.rootCertificate)],
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Bytes): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function base64(view: Bytes): string {
  return bytesOf(view).toString("base64");
}
