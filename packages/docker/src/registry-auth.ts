/** Credentials for one registry, as the engine takes them with a request. They are never written anywhere. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  /** In place of a password: what `docker login` keeps of some registries. */
  readonly identitytoken?: string;
  readonly serveraddress?: string;
}

/**
 * `X-Registry-Auth` (API: "Authentication"): base64url of JSON *with* its padding: without it the engine takes the header
 * for none, silently (tried on 20.10). Pushes are refused without the header, so `{}` stands for no credentials.
 */
export function registryAuthHeader(auth: RegistryAuth | undefined): { "X-Registry-Auth": string } {
  const text = Buffer.from(JSON.stringify(auth ?? {})).toString("base64");
  return { "X-Registry-Auth": text.replaceAll("+", "-").replaceAll("/", "_") };
}
