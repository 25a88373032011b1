import * as z from "zod/mini";
import { FORMATS } from "./formats.ts";
import { section, text } from "./schema-parts.ts";

const path = (description: string) => z.optional(text(FORMATS.path, description));

/** `require-signature` of an environment. */
export const signatureSchema = section(
  "Only images that carry this signature are deployed: `key`, or `identity`.",
  {
    key: path("File with the public key (cosign.pub), relative to this one."),
    identity: z.optional(
      text(
        FORMATS.word,
        "Who signed without a key, exactly: a workflow, such as https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main.",
      ),
    ),
    issuer: z.optional(text(FORMATS.url, "Who vouched for that identity, exactly. Default: GitHub Actions.")),
    "trusted-root": path(
      "Authorities and logs to trust (JSON), relative to this file. Default: Sigstore's public ones.",
    ),
  },
  {
    oneOf: [{ required: ["key"] }, { required: ["identity"] }],
    dependentRequired: { issuer: ["identity"], "trusted-root": ["identity"] },
  },
);

export type SignatureData = z.infer<typeof signatureSchema>;
