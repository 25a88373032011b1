import { BelayError, messageOf, type Redactor } from "@belay/core";

export interface IdentityTokenOptions {
  /** `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, which a job with `id-token: write` has. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  readonly signal?: AbortSignal;
}

const DEADLINE_MS = 30_000;

export function hasIdentity(env: IdentityTokenOptions["env"]): boolean {
  return Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL && env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
}

/**
 * A token of GitHub Actions that tells Sigstore which workflow this is (docs.github.com, "OpenID Connect reference").
 * @throws BelayError GITHUB_ERROR
 */
export async function identityToken({ env, redactor, signal }: IdentityTokenOptions): Promise<string> {
  const doing = "asking GitHub who this job is";
  const url = new URL(env.ACTIONS_ID_TOKEN_REQUEST_URL ?? "");
  url.searchParams.set("audience", "sigstore");
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const answer = await fetch(url, {
      headers: { Authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` },
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    if (!answer.ok) throw new Error(`the status is ${answer.status}`);
    const { value } = (await answer.json()) as { value?: unknown };
    if (typeof value !== "string" || value === "") throw new Error("there is no token in the answer");
    redactor.add(value);
    return value;
  } catch (error) {
    signal?.throwIfAborted();
    throw new BelayError("GITHUB_ERROR", {
      doing,
      got: messageOf(error),
      next: "Give the job `permissions: id-token: write`.",
      cause: error,
    });
  }
}
