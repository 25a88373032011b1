import { BelayError, type Clock, type Digest, type Log, messageOf } from "@belay/core";
import { attachArtifact, type RegistryClient } from "@belay/registry";
import { BUNDLE } from "./bundles-beside.ts";
import { PAYLOAD_TYPE, SIGNED, signedStatement } from "./statement.ts";

export interface KeylessOptions {
  readonly registry: RegistryClient;
  readonly repository: string;
  readonly digest: Digest;
  /** Who signs, as a token of an OpenID Connect issuer that the certificate authority trusts. */
  readonly token: () => Promise<string>;
  /** Certificate authority (Fulcio). */
  readonly fulcioUrl: string;
  /** Transparency log (Rekor), in which the signature becomes public. */
  readonly rekorUrl: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/** Sigstore's public ones. */
export const SIGSTORE = { fulcioUrl: "https://fulcio.sigstore.dev", rekorUrl: "https://rekor.sigstore.dev" } as const;

const DEADLINE_MS = 30_000;

/**
 * Signs an image in its registry by digest with a key that lives for this signature only, for which an authority
 * certifies who holds it; as `cosign sign --new-bundle-format` does. The bundle is put beside the image.
 * @throws BelayError PUSH_FAILED, REGISTRY_*; what `token` throws
 */
export async function signKeyless(options: KeylessOptions): Promise<void> {
  const { registry, repository, digest, clock, log, signal } = options;
  const doing = `signing ${repository}@${digest}`;
  if ((await registry.manifest(repository, digest)) === undefined) {
    throw new BelayError("PUSH_FAILED", { doing, got: "the registry has no such image", next: "Push it first." });
  }
  const bytes = Buffer.from(JSON.stringify(await makeBundle(options, doing)));
  signal?.throwIfAborted();
  const annotations = {
    "org.opencontainers.image.created": clock.date().toISOString(),
    "dev.sigstore.bundle.content": "dsse-envelope",
    "dev.sigstore.bundle.predicateType": SIGNED,
  };
  const artifact = { artifactType: BUNDLE, bytes, annotations };
  const more = signal === undefined ? {} : { signal };
  const attached = await attachArtifact({ registry, repository, subject: digest, artifact, clock, log, ...more });
  if (attached.listed) return;
  const got =
    "the signature is stored, and nobody who knows the image finds it: others write its list at the same time";
  throw new BelayError("PUSH_FAILED", { doing, got, next: "Sign again when they are done." });
}

async function makeBundle({ digest, token, fulcioUrl, rekorUrl }: KeylessOptions, doing: string): Promise<object> {
  // Asked first, so that its failure is told as what it is.
  const identity = await token();
  const [{ DSSEBundleBuilder, FulcioSigner, RekorWitness }, { bundleToJSON }] = await Promise.all([
    import("@sigstore/sign"),
    import("@sigstore/bundle"),
  ]);
  const limits = { timeout: DEADLINE_MS, retry: { retries: 3 } };
  const identityProvider = { getToken: async (): Promise<string> => identity };
  const signer = new FulcioSigner({ fulcioBaseURL: fulcioUrl, identityProvider, ...limits });
  const witness = new RekorWitness({ rekorBaseURL: rekorUrl, entryType: "dsse", ...limits });
  const builder = new DSSEBundleBuilder({ signer, witnesses: [witness] });
  try {
    return bundleToJSON(await builder.create({ data: signedStatement(digest), type: PAYLOAD_TYPE })) as object;
  } catch (error) {
    const why = (error as Error).cause;
    const got = why === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(why)})`;
    const next = `Look whether ${fulcioUrl} and ${rekorUrl} can be reached and trust this issuer.`;
    throw new BelayError("PUSH_FAILED", { doing, got, next, cause: error });
  }
}
