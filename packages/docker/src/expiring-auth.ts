import type { RegistryAuth } from "./registry-auth.ts";

/** When credentials end by themselves, in words that hold no part of them. */
export interface AuthExpiry {
  /** What they are, and when they end: `a job's token of GitLab, which ends with the job`. */
  readonly what: string;
  /** What its registry takes and does not end so soon, or else how to renew them. A sentence. */
  readonly remedy: string;
}

interface Kind extends AuthExpiry {
  readonly registry: RegExp;
  readonly is: (auth: RegistryAuth) => boolean;
}

const KINDS: readonly Kind[] = [
  {
    // docs.github.com, "GITHUB_TOKEN": an app's installation access token that expires when the job finishes. Those that an app
    // asks for itself have the same prefix, and end after an hour ("Generating an installation access token").
    registry: /^ghcr\.io$/,
    is: ({ password = "" }) => password.startsWith("ghs_"),
    what: "a token of the job (GITHUB_TOKEN) or of a GitHub App, which ends with the job or after an hour",
    remedy: "Log in to it with a personal access token (classic) that may read packages.",
  },
  {
    // docs.gitlab.com, "GitLab CI/CD job token": valid only while the job is running. GitLab's registry has a host of its owner's.
    registry: /^/,
    is: ({ username }) => username === "gitlab-ci-token",
    what: "a job's token of GitLab, which ends with the job",
    remedy: "Log in to it with a deploy token that has `read_registry`.",
  },
  {
    // docs.aws.amazon.com, GetAuthorizationToken (ECR and ECR Public): valid for 12 hours; hosts: "Making requests to Amazon ECR".
    registry: /^\d+\.dkr[.-]ecr(-fips)?\.[a-z\d-]+\.(amazonaws\.com(\.cn)?|on\.aws)$|^public\.ecr\.aws$/,
    is: ({ username }) => username === "AWS",
    what: "an authorization token of Amazon ECR, which ends after 12 hours",
    remedy: "ECR has none that last: renew it by a schedule, with `docker service update --with-registry-auth`.",
  },
  {
    // docs.cloud.google.com, `gcloud auth print-access-token`: 3600 seconds unless said otherwise, 12 hours at most. The names
    // are the one in "Configure authentication to Artifact Registry for Docker", and those of gcloud's helper and of
    // docker-credential-gcr (their sources).
    registry: /^([a-z\d-]+\.)*gcr\.io$|^[a-z\d-]+\.pkg\.dev$/,
    is: ({ username = "" }) => /^(oauth2accesstoken|_dcgcloud_token|_dcgcr_\w*token)$/.test(username),
    what: "an access token of Google's, which ends after an hour unless it was made to last longer",
    remedy: "Log in to it with the key of a service account (`_json_key`) that may read it.",
  },
  {
    // learn.microsoft.com, "Authenticate with an Azure container registry": such a token is renewed every 3 hours. Azure/acr,
    // AAD-OAuth: the null GUID stands for a refresh token, and docker keeps it as an identity token.
    registry: /^[a-z\d-]+\.azurecr\.(io|cn|us)$/,
    is: ({ username, identitytoken }) =>
      username === "00000000-0000-0000-0000-000000000000" || identitytoken !== undefined,
    what: "a refresh token of Azure Container Registry, which ends after three hours",
    remedy: "Log in to it with a service principal, or with a token of the registry (`az acr token create`).",
  },
];

/**
 * Whether credentials end by themselves within hours, by what the registry's owner documents of them; `undefined` where nothing is
 * known. `registry` as in a reference: `ghcr.io`.
 */
export function expiryOf(registry: string, auth: RegistryAuth): AuthExpiry | undefined {
  const kind = KINDS.find((one) => one.registry.test(registry) && one.is(auth));
  return kind && { what: kind.what, remedy: kind.remedy };
}
