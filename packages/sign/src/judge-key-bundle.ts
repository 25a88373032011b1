import { type KeyObject, verify } from "node:crypto";
import type { Digest } from "@belay/core";
import * as z from "zod/mini";
import { hashOf } from "./public-key.ts";
import { PAYLOAD_TYPE, readStatement, SIGNED } from "./statement.ts";

/** What counts of a bundle that was signed with a key: nobody certified it (sigstore/protobuf-specs, `sigstore_bundle.proto`). */
const BUNDLE_FORM = z.object({
  verificationMaterial: z.object({ tlogEntries: z.optional(z.array(z.unknown())) }),
  dsseEnvelope: z.object({
    payload: z.base64(),
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.object({ sig: z.base64() })),
  }),
});

/**
 * Whether a bundle is a signature of the image by the key, as `cosign sign --key` makes them since its version 3. `logged`: a log's
 * entry stands in it; nobody looked whether it is one. Nothing for what is of somebody else, speaks of something else, or is broken.
 */
export function judgeKeyBundle(bundle: unknown, digest: Digest, key: KeyObject): { logged: boolean } | undefined {
  const { success, data } = BUNDLE_FORM.safeParse(bundle);
  if (!success) return undefined;
  const { payload: text, payloadType, signatures } = data.dsseEnvelope;
  const payload = Buffer.from(text, "base64");
  const signed = encodeForSigning(payloadType, payload);
  if (!signatures.some(({ sig }) => verify(hashOf(key), signed, key, Buffer.from(sig, "base64")))) return undefined;
  const said = readStatement(payload);
  if (said?.predicateType !== SIGNED || !said.digests.includes(digest)) return undefined;
  return { logged: (data.verificationMaterial.tlogEntries ?? []).length > 0 };
}

/** What an envelope's signature is of (secure-systems-lab/dsse, "Protocol": PAE). */
function encodeForSigning(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}
