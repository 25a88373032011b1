import { type KeyObject, verify } from "node:crypto";
import type { Digest } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { signedDigest } from "./payload.ts";
import { hashOf, keyId } from "./public-key.ts";
import { readSignatures, type StoredSignature } from "./signature-store.ts";

/** What was proven of an image's signature. */
export type SignatureCheck =
  | {
      readonly signed: true;
      readonly by: string;
      /** A log's entry stands beside it. Nobody looked whether it is one. */
      readonly logged?: true;
    }
  | {
      readonly signed: false;
      readonly why: string;
    };

/**
 * Whether an image in its registry carries a signature of this key. What others signed, or broke, neither helps nor harms.
 * `logged`: looks on for one that was entered into a log.
 * @throws what the registry throws when it can't be reached, does not let us in or does not list the signatures
 */
export async function checkSignature(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  key: KeyObject,
  { logged = false }: { readonly logged?: boolean } = {},
): Promise<SignatureCheck> {
  const by = `the key ${keyId(key).slice(0, 16)}`;
  const broken: string[] = [];
  let all = 0;
  let own: StoredSignature | undefined;
  for await (const found of readSignatures(registry, repository, digest)) {
    all++;
    if ("why" in found) broken.push(found.why);
    else if (isSignedBy(found, key, digest)) own = found;
    if (own !== undefined && (!logged || own.logEntry !== undefined)) break;
  }
  if (own !== undefined) return { signed: true, by, ...(own.logEntry === undefined ? {} : { logged: true }) };
  return { signed: false, why: whyNot(all, by, broken) };
}

function whyNot(all: number, by: string, broken: readonly string[]): string {
  if (all === 0) return "it has no signature";
  const whose = all === 1 ? "its signature is not" : `none of its ${all} signatures is`;
  const told = broken.length === 0 ? "" : `, or can't be read (${[...new Set(broken)].join("; ")})`;
  return `${whose} of ${by}, or speaks of another image${told}`;
}

/** Whether a signature is of this key and speaks of this image. */
function isSignedBy({ payload, signature }: StoredSignature, key: KeyObject, digest: string): boolean {
  return verify(hashOf(key), payload, key, signature) && signedDigest(payload) === digest;
}
