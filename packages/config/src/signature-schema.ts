import * as z from "zod/mini";
import { FORMATS } from "./formats.ts";
import { exactly, list, section, text } from "./schema-parts.ts";

const path = (description: string) => z.optional(text(FORMATS.path, description));

/** `require-signature` of an environment. */
export const signatureSchema = section(
  "Only images with this signature, or this attestation of their build, are deployed: `key`, or `identity`.",
  {
    key: path("File with the public key (cosign.pub), relative to this one."),
    identity: z.optional(
      text(
        FORMATS.word,
        "Who signed or attested without a key, exactly: a workflow, such as https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main.",
      ),
    ),
    issuer: z.optional(text(FORMATS.url, "Who vouched for that identity, exactly. Default: GitHub Actions.")),
    repository: z.optional(
      text(
        FORMATS.repository,
        "GitHub repository that it must have been made in, such as acme/shop. Default for attestations: the one of the workflow.",
      ),
    ),
    "trusted-root": path(
      "Authorities and logs to trust (JSON, several one a line), relative to this file. Default: Sigstore's public ones.",
    ),
    except: z.optional(
      list(
        "Services whose images others make, and who sign them otherwise or not at all. Only with the digest that this file pins.",
        exactly(FORMATS.name, "A service."),
        1,
        "a list of services",
      ),
    ),
  },
  {
    oneOf: [{ required: ["key"] }, { required: ["identity"] }],
    dependentRequired: { issuer: ["identity"], repository: ["identity"], "trusted-root": ["identity"] },
  },
);

export type SignatureData = z.infer<typeof signatureSchema>;
