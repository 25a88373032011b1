import type * as z from "zod/mini";
import { FORMATS } from "./formats.ts";
import { section, text } from "./schema-parts.ts";

/** `require-signature` of an environment. */
export const signatureSchema = section("Only images that carry this signature are deployed.", {
  key: text(FORMATS.path, "File with the public key (cosign.pub), relative to this one."),
});

export type SignatureData = z.infer<typeof signatureSchema>;
