import { type Digest, isBelayError, messageOf, oneLine } from "@belay/core";
import { findArtifacts, type RegistryClient, readArtifact } from "@belay/registry";

/** `artifactType` of a Sigstore bundle (sigstore/protobuf-specs, "Bundle"). */
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A Sigstore bundle of which nothing is known yet, or why it could not be had. */
export type FoundBundle = { readonly bundle: unknown } | { readonly why: string };

/** More than anybody has, and each is a request. */
const MOST_READ = 50;

/**
 * Every Sigstore bundle beside an image, each read when it is asked for. The youngest first.
 * @throws BelayError those of the registry client, for the list of them and for a registry that can't be reached
 */
export async function* bundlesBeside(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
): AsyncGenerator<FoundBundle, void> {
  const entries = (await findArtifacts(registry, repository, digest, BUNDLE)).slice(-MOST_READ).reverse();
  for (const entry of entries) {
    yield await bundleIn(registry, repository, entry.digest);
  }
}

/** Whoever may push can put something broken beside an image; that must not hide what is whole. */
async function bundleIn(registry: RegistryClient, repository: string, digest: Digest): Promise<FoundBundle> {
  try {
    const bytes = await readArtifact(registry, repository, digest);
    return bytes === undefined ? { why: "it is listed and not there" } : parse(bytes);
  } catch (error) {
    if (!isBelayError(error, "REGISTRY_ERROR", "IDENTITY_MISMATCH")) throw error;
    return { why: oneLine(error.got) };
  }
}

function parse(bytes: Buffer): FoundBundle {
  try {
    return { bundle: JSON.parse(bytes.toString("utf8")) };
  } catch (error) {
    return { why: oneLine(messageOf(error)) };
  }
}
