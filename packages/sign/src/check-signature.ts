import type { KeyObject } from "node:crypto";
import type { Digest } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { keyId } from "./public-key.ts";
import { isSignedBy } from "./sign-image.ts";
import { readSignatures } from "./signature-store.ts";

/** What was proven of an image's signature. */
export type SignatureCheck =
  | { readonly signed: true; readonly by: string }
  | {
      readonly signed: false;
      readonly why: string;
    };

/**
 * Whether an image in its registry carries a signature of this key. What others signed neither helps nor harms.
 * @throws what the registry throws
 */
export async function checkSignature(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  key: KeyObject,
): Promise<SignatureCheck> {
  const all = await readSignatures(registry, repository, digest);
  const by = `the key ${keyId(key).slice(0, 16)}`;
  if (all.some((one) => isSignedBy(one, key, digest))) return { signed: true, by };
  const why =
    all.length === 0
      ? "it has no signature"
      : `${all.length === 1 ? "its signature is not" : `none of its ${all.length} signatures is`} of ${by}, or speaks of another image`;
  return { signed: false, why };
}
