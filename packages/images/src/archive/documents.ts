import { type Digest, isDigest } from "@belay/core";
import { z } from "zod";

export const DIGEST = z.custom<Digest>((text) => typeof text === "string" && isDigest(text), "it is no sha256 digest");

/** OCI image spec, "Descriptor". */
export const DESCRIPTOR = z.object({
  mediaType: z.string(),
  digest: DIGEST,
  size: z.number().int().nonnegative(),
  annotations: z.record(z.string(), z.string()).optional(),
  urls: z.array(z.string()).optional(),
});

export function isIndex({ mediaType }: { readonly mediaType: string }): boolean {
  return /index|manifest\.list/.test(mediaType);
}
