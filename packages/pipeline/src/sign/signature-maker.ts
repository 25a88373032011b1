import { BelayError, type Log } from "@belay/core";
import {
  hasIdentity,
  identityToken,
  keyId,
  loadSigningKey,
  SIGSTORE,
  type StoreOptions,
  signImage,
  signKeyless,
} from "@belay/sign";
import type { PipelineContext } from "../run/context.ts";

export interface SigstoreAddresses {
  readonly fulcioUrl: string;
  readonly rekorUrl: string;
}

/** Signs images, with a key or as the workflow that this is. */
export interface SignatureMaker {
  /** `key:<SHA-256>` or `identity`. */
  readonly by: string;
  sign(image: StoreOptions & { readonly log: Log }): Promise<"signed" | "already signed">;
}

/** @throws BelayError INVALID_INPUT when there is neither a key nor an identity */
export async function signatureMaker(
  { env, redactor, signal }: PipelineContext,
  sigstore: Partial<SigstoreAddresses>,
): Promise<SignatureMaker> {
  const [pem = "", password = ""] = [env.COSIGN_PRIVATE_KEY, env.COSIGN_PASSWORD];
  for (const secret of [pem, password]) redactor.add(secret);
  if (pem.trim() !== "") {
    const key = await loadSigningKey(pem, password);
    const { rekorUrl } = sigstore;
    const log = rekorUrl === undefined ? {} : { rekorUrl };
    return { by: `key:${keyId(key.publicKey)}`, sign: (image) => signImage({ ...image, ...log }, key) };
  }
  if (!hasIdentity(env)) throw nobody();
  const token = (): Promise<string> => identityToken({ env, redactor, signal });
  return {
    by: "identity",
    sign: async (image) => {
      await signKeyless({ ...image, ...SIGSTORE, ...sigstore, token });
      return "signed";
    },
  };
}

function nobody(): BelayError {
  return new BelayError("INVALID_INPUT", {
    doing: "signing the images",
    got: "there is neither a key (the environment variable COSIGN_PRIVATE_KEY is empty) nor an identity",
    next: "Give the step the text of cosign.key in `env:`, from a secret, or the job `permissions: id-token: write`.",
  });
}
