import type { JsonObject } from "../github/json.ts";

export interface Attestation {
  /** `sha256:…` of the image. */
  readonly digest: string;
  /** Name of the image without a tag. */
  readonly name: string;
  /** Default: provenance (SLSA 1). */
  readonly predicateType?: string;
}

/** A statement about an image, signed and certified at this Sigstore, as actions/attest makes it. */
export async function attestAt(
  url: string,
  kind: "public" | "private",
  token: string,
  { digest, name, predicateType = "https://slsa.dev/provenance/v1" }: Attestation,
): Promise<JsonObject> {
  const [{ DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness }, { bundleToJSON }] = await Promise.all([
    import("@sigstore/sign"),
    import("@sigstore/bundle"),
  ]);
  const signer = new FulcioSigner({ fulcioBaseURL: url, identityProvider: { getToken: async () => token } });
  const witness =
    kind === "public"
      ? new RekorWitness({ rekorBaseURL: url, entryType: "dsse" })
      : new TSAWitness({ tsaBaseURL: url });
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType,
    predicate: {
      buildDefinition: { buildType: "https://actions.github.io/buildtypes/workflow/v1", externalParameters: {} },
      runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
    },
  };
  const builder = new DSSEBundleBuilder({ signer, witnesses: [witness] });
  const data = Buffer.from(JSON.stringify(statement));
  return bundleToJSON(await builder.create({ data, type: "application/vnd.in-toto+json" })) as unknown as JsonObject;
}
