import { readFile } from "node:fs/promises";
import { BelayError, type Digest, messageOf, oneLine } from "@belay/core";
import { findArtifacts, type RegistryClient, readArtifact } from "@belay/registry";
import type { SignatureCheck } from "./check-signature.ts";
import { BUNDLE } from "./sign-keyless.ts";
import { PAYLOAD_TYPE, statedDigests } from "./statement.ts";

export interface IdentityRequirement {
  /** Subject of the certificate, exactly: for GitHub Actions the workflow and its ref. */
  readonly identity: string;
  /** Who vouched for it when the certificate was made, exactly. */
  readonly issuer: string;
  /** Absolute path of a trusted root (JSON) with the authorities and logs. Default: Sigstore's public one, by TUF. */
  readonly trustedRoot?: string;
}

/** More than anybody has, and each is a request. */
const MOST_READ = 50;

type Verify = (bundle: unknown) => void;

/**
 * Whether an image carries a signature, certified for this identity by this issuer, that stands in a transparency log. What
 * others signed neither helps nor harms.
 * @throws BelayError CONFIG_INVALID for a trusted root that can't be read or had; what the registry throws
 */
export async function checkIdentity(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  requirement: IdentityRequirement,
): Promise<SignatureCheck> {
  const entries = (await findArtifacts(registry, repository, digest, BUNDLE)).slice(-MOST_READ).reverse();
  if (entries.length === 0) return { signed: false, why: "it has no signature with a certificate" };
  const verify = await verifierOf(requirement);
  const reasons: string[] = [];
  for (const entry of entries) {
    const bytes = await readArtifact(registry, repository, entry.digest);
    const reason = bytes === undefined ? "it is listed and not there" : check(bytes, digest, verify);
    if (reason === undefined) return { signed: true, by: requirement.identity };
    reasons.push(reason);
  }
  return { signed: false, why: `none of its ${reasons.length} signatures counts: ${[...new Set(reasons)].join("; ")}` };
}

/** Why a bundle counts for nothing, or nothing. */
function check(bytes: Buffer, digest: Digest, verify: Verify): string | undefined {
  let bundle: { dsseEnvelope?: { payload?: unknown; payloadType?: unknown } } | null;
  try {
    bundle = JSON.parse(bytes.toString("utf8"));
    verify(bundle);
  } catch (error) {
    return oneLine(messageOf(error));
  }
  // Only now: what is not verified says nothing.
  const { payload, payloadType } = bundle?.dsseEnvelope ?? {};
  const stated = payloadType === PAYLOAD_TYPE ? statedDigests(Buffer.from(String(payload), "base64")) : [];
  return stated.includes(digest) ? undefined : "it is no signature of this image";
}

async function verifierOf({ identity, issuer, trustedRoot }: IdentityRequirement): Promise<Verify> {
  const [{ bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier }] = await Promise.all([
    import("@sigstore/bundle"),
    import("@sigstore/verify"),
  ]);
  const verifier = new Verifier(toTrustMaterial(await readRoot(trustedRoot)));
  return (bundle) => {
    const signer = verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
    // Not by the library's policy, which takes the wanted identity for a regular expression: a `.` in it would mean any letter.
    const found = [signer.identity?.subjectAlternativeName, signer.identity?.extensions?.issuer];
    if (found[0] === identity && found[1] === issuer) return;
    throw new Error(`it is of ${found[0] ?? "nobody"}, vouched for by ${found[1] ?? "nobody"}`);
  };
}

async function readRoot(path: string | undefined) {
  const doing = "reading whom to trust for signatures";
  try {
    if (path === undefined) return await (await import("@sigstore/tuf")).getTrustedRoot();
    const { TrustedRoot } = await import("@sigstore/protobuf-specs");
    return TrustedRoot.fromJSON(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const next =
      "Let Sigstore's repository (tuf-repo-cdn.sigstore.dev) be reached, or name a file with `trusted-root`.";
    throw new BelayError("CONFIG_INVALID", { doing, got: messageOf(error), next, cause: error });
  }
}
