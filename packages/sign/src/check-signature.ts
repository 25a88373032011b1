import { type KeyObject, verify } from "node:crypto";
import type { Digest } from "@belay/core";
import type { RegistryClient } from "@belay/registry";
import { bundlesBeside } from "./bundles-beside.ts";
import { judgeKeyBundle } from "./judge-key-bundle.ts";
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

export interface SignatureChoice {
  /** Looks on for one that was entered into a log. Default false. */
  readonly logged?: boolean;
  /** Only where cosign kept them before its version 3: under a tag. Default false. */
  readonly onlyTag?: boolean;
}

/**
 * Whether an image in its registry carries a signature of this key, under cosign's tag or in a bundle beside the image. What
 * others signed, or broke, neither helps nor harms.
 * @throws what the registry throws when it can't be reached, does not let us in or does not list the signatures
 */
export async function checkSignature(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  key: KeyObject,
  { logged = false, onlyTag = false }: SignatureChoice = {},
): Promise<SignatureCheck> {
  const by = `the key ${keyId(key).slice(0, 16)}`;
  const broken: string[] = [];
  let all = 0;
  let own: Found | undefined;
  for await (const found of everySignature(registry, repository, digest, { key, onlyTag })) {
    all++;
    if ("why" in found) broken.push(found.why);
    else if (found.own) own = own?.logged ? own : found;
    if (own !== undefined && (!logged || own.logged)) break;
  }
  if (own !== undefined) return { signed: true, by, ...(own.logged ? { logged: true } : {}) };
  return { signed: false, why: whyNot(all, by, broken) };
}

interface Found {
  readonly own: boolean;
  readonly logged: boolean;
}

async function* everySignature(
  registry: RegistryClient,
  repository: string,
  digest: Digest,
  { key, onlyTag }: { readonly key: KeyObject; readonly onlyTag: boolean },
): AsyncGenerator<Found | { readonly why: string }, void> {
  for await (const found of readSignatures(registry, repository, digest)) {
    if ("why" in found) yield found;
    else yield { own: isSignedBy(found, key, digest), logged: found.logEntry !== undefined };
  }
  if (onlyTag) return;
  for await (const found of bundlesBeside(registry, repository, digest)) {
    if ("why" in found) yield found;
    else {
      const judged = judgeKeyBundle(found.bundle, digest, key);
      yield { own: judged !== undefined, logged: judged?.logged ?? false };
    }
  }
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
