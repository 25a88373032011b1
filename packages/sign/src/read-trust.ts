import { readFile } from "node:fs/promises";
import { BelayError, messageOf } from "@belay/core";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import type { TrustMaterial, Verifier } from "@sigstore/verify";

/** What a verified certificate says of who signed. */
export interface Certified {
  readonly identity: string | undefined;
  readonly issuer: string | undefined;
  /** Repository whose run it was; only of CI systems. */
  readonly repository: string | undefined;
}

/** Verifies a Sigstore bundle (as JSON), its payload's signature included. Throws for one that is not proven. */
export type Certify = (bundle: unknown) => Certified;

/** Fulcio, "OID information": Source Repository URI. */
const SOURCE_REPOSITORY = "1.3.6.1.4.1.57264.1.12";

const PRIVATE =
  " (it is in no public log, like GitHub's attestations of private repositories: for those `trusted-root` names a file that `gh attestation trusted-root` wrote)";

/**
 * What is proven by a trusted root, or by any of several: a file with one (JSON) or one a line, as `gh attestation
 * trusted-root` writes Sigstore's and GitHub's own; by default Sigstore's public one, by TUF. Each asks for all proofs that
 * its root can check: where it knows logs, entries in them; where it knows none, as GitHub's own for private repositories,
 * its timestamp authority must have signed the time.
 * @throws BelayError CONFIG_INVALID for what can't be read or had
 */
export async function readTrust(path: string | undefined): Promise<Certify> {
  const [{ bundleFromJSON }, { toSignedEntity }] = await Promise.all([
    import("@sigstore/bundle"),
    import("@sigstore/verify"),
  ]);
  const verifiers = await readVerifiers(path);
  return (bundle) => {
    const entity = toSignedEntity(bundleFromJSON(bundle));
    const hint = entity.tlogEntries.length === 0 ? PRIVATE : "";
    const { identity } = firstThatHolds(
      verifiers.map((verifier) => () => verifier.verify(entity)),
      hint,
    );
    const certificate = entity.key.$case === "certificate" ? entity.key.certificate : undefined;
    return {
      identity: identity?.subjectAlternativeName,
      issuer: identity?.extensions?.issuer,
      repository: certificate?.extension(SOURCE_REPOSITORY)?.valueObj.subs[0]?.value.toString("utf8"),
    };
  };
}

/** @throws Error with what speaks against each, and the hint */
function firstThatHolds<T>(tries: readonly (() => T)[], hint: string): T {
  const reasons: string[] = [];
  for (const attempt of tries) {
    try {
      return attempt();
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new Error(`${[...new Set(reasons)].join(", ")}${hint}`);
}

async function readVerifiers(path: string | undefined): Promise<Verifier[]> {
  const sigstore = await import("@sigstore/verify");
  try {
    return (await readRoots(path)).map((root) => verifierOf(root, sigstore));
  } catch (error) {
    const doing = `reading whom to trust for signatures${path === undefined ? "" : ` in ${path}`}`;
    const next =
      "Let Sigstore's repository (tuf-repo-cdn.sigstore.dev) be reached, or let `trusted-root` name a file in Sigstore's form.";
    throw new BelayError("CONFIG_INVALID", { doing, got: messageOf(error), next, cause: error });
  }
}

async function readRoots(path: string | undefined): Promise<TrustedRoot[]> {
  if (path === undefined) return [await (await import("@sigstore/tuf")).getTrustedRoot()];
  const { TrustedRoot } = await import("@sigstore/protobuf-specs");
  return documentsIn(await readFile(path, "utf8")).map((root) => TrustedRoot.fromJSON(root));
}

/** @throws Error for a root without authorities, or with parts that are missing or can't be read */
function verifierOf(root: TrustedRoot, { toTrustMaterial, Verifier }: typeof import("@sigstore/verify")): Verifier {
  const material = materialOf(root, toTrustMaterial);
  if (material.certificateAuthorities.every(({ certChain }) => certChain.length === 0))
    throw new Error("it names no certificate authority, so that no signature could count");
  const ctlogThreshold = root.ctlogs.length === 0 ? 0 : 1;
  const tlogThreshold = root.tlogs.length === 0 ? 0 : 1;
  return new Verifier(material, { ctlogThreshold, tlogThreshold });
}

/** The library takes every part for given, and says of those that are not there what JavaScript does. */
function materialOf(root: TrustedRoot, toTrustMaterial: (root: TrustedRoot) => TrustMaterial): TrustMaterial {
  try {
    return toTrustMaterial(root);
  } catch (error) {
    throw new Error(`a certificate or key in it is missing or broken (${messageOf(error)})`, { cause: error });
  }
}

/** One document, or one on each line. */
function documentsIn(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const isOneEach = lines.length > 1 && lines.every((line) => line.startsWith("{") && line.trimEnd().endsWith("}"));
  return (isOneEach ? lines : [text]).map((one): unknown => JSON.parse(one));
}
