import { type Digest, isDigest } from "@belay/core";
import * as z from "zod/mini";

const TYPE = "cosign container image signature";

/** containers/image, "simple signing", as cosign uses it. */
const PAYLOAD = z.object({
  critical: z.object({
    identity: z.object({ "docker-reference": z.string() }),
    image: z.object({
      "docker-manifest-digest": z.custom<Digest>((text) => typeof text === "string" && isDigest(text)),
    }),
    type: z.literal(TYPE),
  }),
});

/** The bytes that are signed: which image, under which name. The same for the same image, always. */
export function signaturePayload(repository: string, digest: Digest): Buffer {
  const identity = { "docker-reference": repository };
  const critical = { identity, image: { "docker-manifest-digest": digest }, type: TYPE };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** The digest that signed bytes speak of; nothing when they are no payload of cosign. */
export function signedDigest(payload: Uint8Array): Digest | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    const checked = PAYLOAD.safeParse(value);
    return checked.success ? checked.data.critical.image["docker-manifest-digest"] : undefined;
  } catch {
    return undefined;
  }
}
